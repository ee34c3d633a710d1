// The whole watcher on a feed that the test drives, a registry that is a function, and a ledger in
// memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, freeBudget, podObject, until, withLedger } from '../../test/watcher-fixtures.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import type { Feed } from './feed.ts';
import { Watcher } from './watcher.ts';

const TAG = 'docker.io/library/web:1';
const RS: KubeObject = {
  metadata: {
    uid: 'rs',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true }],
  },
};

/** @param pods null: the API server never answers */
function fixture(ledger: Ledger, pods: readonly KubeObject[] | null = [podObject('1', A)]) {
  const state = { tag: A as string | Problem };
  const log: { message: string }[] = [];
  const feed: Feed = {
    name: 'prod',
    who: async () => new Map([['shop/Deployment/web', 'ann']]),
    follow: async ({ resource }, options) => {
      if (pods === null) return;
      const objects = resource === 'pods' ? pods : resource === 'replicasets' ? [RS] : [];
      options.onList(objects.map(options.take));
    },
  };
  const watcher = new Watcher({
    feeds: [feed],
    ledger,
    head: async ({ digest }) => {
      if (digest !== undefined) return { digest };
      if (state.tag instanceof Problem) throw state.tag;
      return { digest: state.tag };
    },
    readClosure: async ({ digest = '' }) => ({
      root: digest,
      members: new Map([[digest, { role: 'manifest' as const }]]),
      images: [],
    }),
    evaluator: async () => undefined,
    budget: freeBudget(),
    alerts: { restDays: 30, sinks: [], post: async () => 200 },
    log: (line) => log.push(line as { message: string }),
  });
  const said = (message: string) => log.some((line) => line.message === message);
  const runs = async () =>
    (await ledger.runHistory({ namespace: 'shop', name: 'web' })).map(({ digest, until: end }) => [
      digest,
      end === null,
    ]);
  return { watcher, state, said, runs };
}
const identity = (watcher: Watcher) => watcher.deployed()[0]?.running[0]?.identity.state;

test(
  'what runs is recorded with its actor; its tag is polled; a move is recorded and is an alarm',
  { timeout: 30_000 },
  withLedger(async (ledger) => {
    const { watcher, state, said, runs } = fixture(ledger);
    let notified = 0;
    const stopListening = watcher.onChange(() => notified++);
    await watcher.start();
    assert.equal(watcher.synced, true);
    await until('the run', async () => (await runs()).length === 1);
    assert.deepEqual(await runs(), [[A, true]]);
    assert.equal((await ledger.runHistory({ namespace: 'shop', name: 'web' }))[0]?.actor, 'ann');
    await until('the poll', () => identity(watcher) === 'same');
    state.tag = B;
    assert.equal(watcher.hint('docker.io/library/other:1'), false);
    assert.equal(watcher.hint(TAG), true);
    await until('the move', () => identity(watcher) === 'moved');
    assert.ok(said('tag moved'));
    await until('the alarm', async () => (await ledger.alarms.list(false)).some(({ code }) => code === 'tag-moved'));
    assert.ok(notified > 0);
    stopListening();
    const metrics = await watcher.metrics();
    assert.match(metrics, /tagproof_tag_moves_total 1\n/);
    assert.match(metrics, /tagproof_hints_total\{followed="false"\} 1\n/);
    assert.deepEqual(
      watcher.polls(1).next.map(({ failure }) => failure),
      [null],
    );
    await watcher.stop();
  }),
);

test(
  'a registry that does not answer: nothing moved, nothing is gone, and it is logged',
  { timeout: 30_000 },
  withLedger(async (ledger) => {
    const { watcher, state, said } = fixture(ledger);
    await watcher.start();
    await until('the poll', () => identity(watcher) === 'same');
    state.tag = new Problem('unreachable', 'down');
    watcher.hint(TAG);
    await until('the failure', () => said('poll failed'));
    assert.equal(identity(watcher), 'same');
    assert.equal(said('tag gone') || said('tag moved'), false);
    await watcher.stop();
  }),
);

test(
  'what could not be recorded is recorded when the ledger answers again',
  { timeout: 30_000 },
  withLedger(async (ledger) => {
    const { watcher, said, runs } = fixture(ledger);
    const append = ledger.append.bind(ledger);
    ledger.append = async () => {
      throw new Error('the database is gone');
    };
    await watcher.start();
    await until('it is said', () => said('the ledger does not answer, retrying'));
    assert.match(await watcher.metrics(), /tagproof_ledger_errors_total [1-9]/);
    ledger.append = append;
    await until('the run', async () => (await runs()).length === 1);
    await watcher.stop();
  }),
);

test(
  'a watcher that is not the leader records nothing and raises no alarm, and takes over when the leader ends',
  { timeout: 30_000 },
  withLedger(async (ledger) => {
    const first = fixture(ledger);
    await first.watcher.start();
    await until('the first records', async () => (await first.runs()).length === 1);
    const second = fixture(ledger, []);
    await second.watcher.start();
    const updates = new Promise<void>((resolve) => second.watcher.onChange(resolve));
    await updates;
    assert.deepEqual(await first.runs(), [[A, true]], 'the second sees no pod, and must not end the run');
    await first.watcher.stop();
    await until('the second records', () => second.said('recording this cluster'));
    await until('the run ends', async () => (await first.runs())[0]?.[1] === false);
    await second.watcher.stop();
  }),
);

test(
  'before a cluster has been read nothing of it is recorded or ended',
  { timeout: 30_000 },
  withLedger(async (ledger) => {
    const before = fixture(ledger);
    await before.watcher.start();
    await until('the run', async () => (await before.runs()).length === 1);
    await before.watcher.stop();
    const { watcher, said, runs } = fixture(ledger, null);
    await watcher.start();
    await until('it leads', () => said('recording this cluster'));
    await new Promise<void>((resolve) => watcher.onChange(resolve));
    assert.equal(watcher.synced, false);
    assert.deepEqual(watcher.deployed(), []);
    assert.deepEqual(await runs(), [[A, true]]);
    await watcher.stop();
  }),
);
