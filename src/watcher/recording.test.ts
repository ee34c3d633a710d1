// What is recorded, of which clusters, and what a failed write leaves behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow } from '../../test/deployed.ts';
import { A, withLedger } from '../../test/watcher-fixtures.ts';
import type { RunEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { Recording } from './recording.ts';

const event: RunEvent = {
  kind: 'run',
  cluster: 'prod',
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  container: 'c',
  type: 'container',
  image: 'web:1',
  digest: A,
  pods: 1,
};

function fixture(ledger: Ledger, { synced = true, isLeader = true } = {}) {
  const fired: [cluster: string, rows: number][] = [];
  const state = { news: [event], forgotten: 0, recorded: 0 };
  const cluster = {
    name: 'prod',
    synced,
    news: async () => state.news,
    forget: () => state.forgotten++,
  } as unknown as ClusterWatch;
  const recording = new Recording({
    ledger,
    clusters: [cluster],
    election: { has: () => isLeader },
    alerts: { firing: async (name, rows) => void fired.push([name, rows.length]) },
    metrics: {
      recorded: (count) => {
        state.recorded += count;
      },
    },
  });
  return { recording, fired, state };
}
const runs = (ledger: Ledger) => ledger.open('prod');

test(
  'what a led cluster runs is written and counted',
  withLedger(async (ledger) => {
    const { recording, state } = fixture(ledger);
    await recording.runs();
    assert.deepEqual([(await runs(ledger)).length, state.recorded, state.forgotten], [1, 1, 0]);
  }),
);

for (const [name, options] of [
  ['that is not read yet', { synced: false }],
  ['that another watcher leads', { isLeader: false }],
] as const)
  test(
    `of a cluster ${name} nothing is written, and no alarm is raised or ended`,
    withLedger(async (ledger) => {
      const { recording, fired } = fixture(ledger, options);
      await recording.runs();
      await recording.alarms([deployedRow('web', A)], true, 0);
      assert.deepEqual([await runs(ledger), fired], [[], []]);
    }),
  );

test(
  'after a write that failed every cluster starts again from the ledger',
  withLedger(async (ledger) => {
    const { recording, state } = fixture(ledger);
    ledger.append = async () => {
      throw new Error('the disk is full');
    };
    await assert.rejects(recording.runs(), /the disk is full/);
    assert.deepEqual([state.forgotten, state.recorded], [1, 0]);
  }),
);

test(
  'alarms are of the rows of their own cluster, and are compared every three seconds at most',
  withLedger(async (ledger) => {
    const { recording, fired } = fixture(ledger);
    const rows = [deployedRow('web', A), deployedRow('web', A, { cluster: 'lab' })];
    for (const now of [0, 2999, 3000]) await recording.alarms(rows, true, now);
    assert.deepEqual(fired, [
      ['prod', 1],
      ['prod', 1],
    ]);
    await recording.alarms([], true, 6000);
    assert.deepEqual(fired.at(-1), ['prod', 0], 'an empty cluster ends its alarms');
  }),
);
