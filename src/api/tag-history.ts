// What a tag pointed to, at the path that is proposed for registries: GET /v2/NAME/_oci/tag-history/TAG (opencontainers/distribution-spec,
// pull request 606, open). What stands in the body is not settled there: it is in the form that a registry serves today (Chainguard's), with
// `until` on top. Pure.
import type { TagInterval } from '../ledger/ledger.ts';

export type TagHistory = {
  /** Newest first. */
  readonly history: readonly {
    /** Null: there was no such tag. */
    readonly digest: string | null;
    /** When it was first seen so, RFC 3339. */
    readonly updateTimestamp: string;
    /** Absent: it still is. */
    readonly until?: string;
  }[];
};

export function historyOf(intervals: readonly TagInterval[]): TagHistory {
  return {
    history: intervals.map(({ digest, since, until }) => ({
      digest,
      updateTimestamp: since,
      ...(until !== null && { until }),
    })),
  };
}
