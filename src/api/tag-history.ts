// The history of a tag at the path that is proposed for registries: GET
// /v2/NAME/_oci/tag-history/TAG (opencontainers/distribution-spec, pull request 606, open). The
// proposal does not settle the body: ours is the one that Chainguard's registry serves today, with
// `until` added. Pure.
import type { TagInterval } from '../ledger/ledger.ts';
import type { ApiAnswer } from './answers.ts';

export function historyOf(intervals: readonly TagInterval[]): ApiAnswer<'/v2/{name}/_oci/tag-history/{tag}'> {
  return {
    history: intervals.map(({ digest, since, until }) => ({
      digest,
      updateTimestamp: since,
      ...(until !== null && { until }),
    })),
  };
}
