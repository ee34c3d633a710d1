// Everything that a ledger answers, as one comparable value: two ledgers with equal answers have
// equal tables.
import type { Ledger } from '../../src/ledger/ledger.ts';
import { A, B, C, D } from './events.ts';

const DIGESTS = [A, B, C, D];

/** Row ids and the order of equal times are not part of an answer. */
const plain = (rows: readonly object[]) =>
  rows
    .map((row) => {
      const { id: _, node: __, ...rest } = row as Record<string, unknown>;
      return JSON.stringify(Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))));
    })
    .sort();

/** @param moments for `status --at`; @param blocked digests may be left out of the closures */
export async function answersOf(ledger: Ledger, moments: readonly Date[]): Promise<object> {
  const { statements } = ledger;
  const at = await Promise.all(moments.map(async (moment) => [moment.toISOString(), plain(await ledger.at(moment))]));
  const closures = await Promise.all(
    DIGESTS.map(async (digest) => [plain((await ledger.closure(digest)) ?? []), plain(await ledger.images(digest))]),
  );
  return {
    at: Object.fromEntries(at),
    tags: plain(await ledger.tagHistory('docker.io', 'library/nginx')),
    openTags: plain(await ledger.openTags()),
    runs: plain(await ledger.runHistory({ namespace: 'shop', name: 'web' })),
    evidence: plain(await statements.evidence(DIGESTS)),
    holds: plain(await statements.holds()),
    blocklist: plain(await statements.blocklist()),
    closures,
  };
}
