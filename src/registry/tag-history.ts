// A registry's own history of a tag. Pure. Proposed in opencontainers/distribution-spec pull
// request 606 (open) and served by few. No specification settles the body, so only a digest and a
// time are taken from each entry.
import { isDigest } from '../image/digest.ts';
import { Problem } from '../problem.ts';

/** The tag pointed to this digest from this time on; RFC 3339. */
export type Pointed = { readonly digest: string; readonly since: string };

/** Paths below a repository, the proposed one first, then Chainguard's. */
export const HISTORY_PATHS = ['_oci/tag-history', '_chainguard/history'] as const;

const MAX_ENTRIES = 10_000;
const TIMES = ['updateTimestamp', 'timestamp', 'since', 'time'] as const;

/** @returns oldest first; @throws Problem `protocol` for what is no history */
export function readTagHistory(body: Buffer, host: string): Pointed[] {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    json = undefined;
  }
  const list = (json as { history?: unknown } | null | undefined)?.history;
  if (!Array.isArray(list))
    throw new Problem('protocol', `${host}: the history of a tag is malformed: expected a list 'history'`);
  const found = list.slice(0, MAX_ENTRIES).flatMap((item: Record<string, unknown> | null): Pointed[] => {
    const digest = item?.['digest'];
    const text = TIMES.map((name) => item?.[name]).find((value) => typeof value === 'string');
    const time = Date.parse(String(text));
    if (typeof digest !== 'string' || !isDigest(digest) || Number.isNaN(time)) return [];
    return [{ digest, since: new Date(time).toISOString() }];
  });
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}
