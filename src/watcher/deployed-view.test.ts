// The joined rows: computed once between two changes, with each source asked for what it knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, OWNERS, podRunning } from '../../test/watcher-fixtures.ts';
import { inventoryOf } from '../inventory/inventory.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { DeployedView } from './deployed-view.ts';

function fixture() {
  let computed = 0;
  const cluster = {
    name: 'prod',
    rows: () => {
      computed++;
      return inventoryOf('prod', [podRunning('1', A)], OWNERS);
    },
    platformOf: (node: string) => (node === 'n' ? 'linux/arm64' : undefined),
  } as unknown as ClusterWatch;
  const view = new DeployedView({
    clusters: [cluster],
    tags: { state: () => ({ digest: B, since: 0, checked: 1, failure: null }) },
    closures: {
      of: (digest) => ({
        root: digest,
        members: new Map([[digest, { role: 'manifest' as const, platform: 'linux/amd64' }]]),
      }),
    },
    evidence: { of: () => ({ outcome: 'deny', signers: [], reason: 'not signed', checked: 0, since: 0 }) },
    overrides: { hold: () => undefined, blocked: (digest) => (digest === A ? 'it leaks' : undefined) },
  });
  return { view, computed: () => computed };
}

test('each source adds what it knows', () => {
  const [row] = fixture().view.rows();
  assert.equal(row?.running[0]?.identity.state, 'moved');
  assert.equal(row?.running[0]?.blocked, 'it leaks');
  assert.equal(row?.running[0]?.evidence?.outcome, 'deny');
  assert.deepEqual(row?.missingPlatforms, ['linux/arm64']);
  assert.equal(row?.tag?.digest, B);
});

test('rows are computed once between two changes; listeners hear of notify and not of invalidate', () => {
  const { view, computed } = fixture();
  let heard = 0;
  const stop = view.onChange(() => heard++);
  for (let i = 0; i < 3; i++) view.rows();
  assert.equal(computed(), 1);
  view.invalidate();
  view.rows();
  assert.deepEqual([computed(), heard], [2, 0]);
  view.notify();
  view.rows();
  assert.deepEqual([computed(), heard], [3, 1]);
  stop();
  view.notify();
  assert.equal(heard, 1);
});
