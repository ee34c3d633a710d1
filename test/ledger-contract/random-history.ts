// Random histories for properties: each step is one batch of events at a moment later than the one
// before.
import fc from 'fast-check';
import type { LedgerEvent } from '../../src/ledger/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { A, at, B, block, C, closure, D, evidence, release, rollback, run, tag } from './events.ts';

export type History = readonly (readonly LedgerEvent[])[];

const digest = fc.constantFrom(A, B, C, D);
const cluster = fc.constantFrom('prod', 'test', null);
const container = fc.constantFrom('c', 'd');

const event: fc.Arbitrary<LedgerEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(digest, fc.constantFrom(0, 1, 2, 5), container, fc.constantFrom('helm', 'ann', undefined))
      .map(([of, pods, name, actor]) => run(of, pods, { container: name, ...(actor !== undefined && { actor }) })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.option(digest), fc.constantFrom('1.27', 'v2')).map(([to, name]) => tag(to, { tag: name })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(closure(A, C), closure(B), closure(D, B)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(digest, fc.constantFrom('allow', 'deny', 'open'), fc.constantFrom('watcher', 'admission'))
      .map(([of, outcome, source]) =>
        evidence(outcome as 'allow', outcome === 'allow' ? ['ann'] : [], { digest: of, source: source as 'watcher' }),
      ),
  },
  fc
    .tuple(digest, cluster, container)
    .map(([of, where, name]) => rollback({ digest: of, cluster: where, container: name })),
  cluster.map(release),
  fc.tuple(digest, fc.constantFrom('ann', 'bob')).map(([of, by]) => block([of], `by ${by}`, by)),
);

/** Two events about the same thing never share a moment, as a watcher never sends them. */
const keyOf = (item: LedgerEvent) => {
  switch (item.kind) {
    case 'run':
      return `run ${item.container} ${item.digest}`;
    case 'tag':
      return `tag ${item.tag}`;
    case 'evidence':
      return `evidence ${item.digest} ${item.source}`;
    case 'block':
      return `block ${item.digests[0]}`;
    default:
      return item.kind === 'rollback' || item.kind === 'release'
        ? 'hold'
        : `closure ${(item as { root: string }).root}`;
  }
};

export const historyArbitrary: fc.Arbitrary<History> = fc.array(
  fc.uniqueArray(event, { minLength: 1, maxLength: 4, selector: keyOf }),
  { minLength: 1, maxLength: 40 },
);

/** Appends a step each second. */
export async function record(ledger: Ledger, history: History, from = 0): Promise<void> {
  for (const [second, events] of history.entries()) await ledger.append(events, at(from + second));
}
