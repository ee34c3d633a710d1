// What tests of the watcher share: digests, references, ledgers in memory, and waiting for a
// condition.
import assert from 'node:assert/strict';
import type { Reference } from '../src/flow.ts';
import { parsePinned, parseReference } from '../src/image/reference.ts';
import { type Owner, type Pod, podOf } from '../src/inventory/pods.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { openLedger } from '../src/ledger/open.ts';
import { Problem } from '../src/problem.ts';
import { Budget } from '../src/watcher/budget.ts';

export const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
export const [A, B, C] = [digestOf('a'), digestOf('b'), digestOf('c')] as const;

export function referenceTo(text: string): Reference {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  return reference;
}

/** @param text with a digest */
export const pinnedTo = (text: string) => parsePinned(text);

/** Runs a test with a ledger of its own. */
export const withLedger = (task: (ledger: Ledger) => Promise<void>) => async () => {
  const ledger = await openLedger(':memory:');
  try {
    await task(ledger);
  } finally {
    await ledger.close();
  }
};

/** Waits for a condition, and fails after ten seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 2000, `${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A budget for a registry that announces no limit. */
export const freeBudget = () => new Budget(() => undefined);

/** The ReplicaSet `web-1` of the Deployment `web`. */
export const REPLICA_SET: Owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs' };
export const OWNERS: ReadonlyMap<string, Owner | null> = new Map([
  ['rs', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd' }],
]);

/** A pod as the API server has it. @param digest undefined: its node has not reported what runs */
export const podObject = (
  name: string,
  digest: string | undefined,
  { owner = REPLICA_SET as Owner | null, phase = 'Running' } = {},
) => ({
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    ...(owner && { ownerReferences: [{ ...owner, controller: true }] }),
  },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'web:1' }] },
  status: { phase, containerStatuses: digest === undefined ? [] : [{ name: 'c', imageID: `web@${digest}` }] },
});

export const podRunning = (...given: Parameters<typeof podObject>): Pod => podOf(podObject(...given));
