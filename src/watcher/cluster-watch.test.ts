// What a cluster watch makes of lists and changes: when it is synced, what it forgets, and who
// changed what.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, podObject, withLedger } from '../../test/watcher-fixtures.ts';
import type { KubeObject } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import type { Actors } from './actor.ts';
import { ClusterWatch } from './cluster-watch.ts';
import type { Feed, Followed } from './feed.ts';

/** A feed that the test drives: list(kind, objects), change(kind, …), problem(kind, …). */
function fixture(who: Feed['who'] = async () => new Map()) {
  const watches = new Map<string, Followed<unknown>>();
  const logged: string[] = [];
  let changes = 0;
  const feed: Feed = {
    name: 'prod',
    who,
    follow: async ({ resource }, options) => void watches.set(resource, options as Followed<unknown>),
  };
  const watch = new ClusterWatch(feed, { changed: () => changes++, log: (message) => logged.push(message) });
  watch.start(new AbortController().signal);
  const of = (kind: string) => watches.get(kind) as Followed<unknown>;
  const list = (kind: string, objects: readonly KubeObject[] = []) => of(kind).onList(objects.map(of(kind).take));
  return { watch, watches, logged, changes: () => changes, of, list };
}
const replicaSet: KubeObject = {
  metadata: {
    uid: 'rs',
    name: 'web-1',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true }],
  },
};

test('a cluster is synced when every kind has been listed once, but for nodes', () => {
  const { watch, watches, list } = fixture();
  const kinds = [...watches.keys()].filter((kind) => kind !== 'nodes');
  for (const kind of kinds) {
    assert.equal(watch.synced, false, `before ${kind}`);
    list(kind);
  }
  assert.equal(watch.synced, true);
});

test('without the right to read revisions it is synced all the same; without the right to read pods it is not', () => {
  const { watch, watches, of, list, logged } = fixture();
  const denied = new Problem('denied', 'forbidden');
  for (const kind of watches.keys()) if (!['pods', 'controllerrevisions'].includes(kind)) list(kind);
  of('controllerrevisions').onProblem?.(new Problem('unreachable', 'down'), 1000);
  list('pods');
  assert.equal(watch.synced, false, 'no answer is no denial');
  of('controllerrevisions').onProblem?.(denied, 1000);
  assert.equal(watch.synced, true);
  assert.match(logged.join(), /cannot watch controllerrevisions of prod, retrying in 1000 ms/);
  const other = fixture();
  for (const kind of other.watches.keys()) if (kind !== 'pods') other.list(kind);
  other.of('pods').onProblem?.(denied, 1000);
  assert.equal(other.watch.synced, false);
});

test('rows follow pods as they come and go; a new list replaces all of them', () => {
  const { watch, list, of, changes } = fixture();
  list('replicasets', [replicaSet]);
  list('pods', [podObject('1', A), podObject('2', A)]);
  const seen = () => watch.rows().map(({ kind, name, running }) => [kind, name, running.map(({ pods }) => pods)]);
  assert.deepEqual(seen(), [['Deployment', 'web', [2]]]);
  of('pods').onChange({ type: 'deleted', object: podObject('1', A) });
  of('pods').onChange({ type: 'modified', object: podObject('2', B) });
  assert.deepEqual(watch.rows()[0]?.running[0]?.digest, B);
  list('pods', []);
  assert.deepEqual(seen(), []);
  assert.equal(changes(), 5);
});

test('an owner that is deleted stays until the next list: its last pods may end after it', () => {
  const { watch, list, of } = fixture();
  list('replicasets', [replicaSet]);
  list('pods', [podObject('1', A)]);
  of('replicasets').onChange({ type: 'deleted', object: replicaSet });
  list('jobs', []);
  assert.equal(watch.rows()[0]?.kind, 'Deployment', 'the list of another kind removes nothing');
  list('replicasets', []);
  assert.equal(watch.rows()[0]?.kind, 'ReplicaSet');
});

test('nodes give platforms, and their heartbeats are no change', () => {
  const { watch, list, of, changes } = fixture();
  const node = {
    metadata: { name: 'n' },
    status: { nodeInfo: { operatingSystem: 'linux', architecture: 'arm64' } },
  };
  list('nodes', [node]);
  assert.deepEqual([watch.platformOf('n'), watch.platformOf('other')], ['linux/arm64', undefined]);
  const before = changes();
  of('nodes').onChange({ type: 'modified', object: node });
  assert.equal(changes(), before);
});

test(
  'news name the actor of what started, and go on without it when the API server does not say',
  withLedger(async (ledger) => {
    let answer: Actors | Error = new Map([['shop/Deployment/web', 'ann']]);
    const { watch, list } = fixture(async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    });
    list('replicasets', [replicaSet]);
    list('pods', [podObject('1', A)]);
    const [started] = await watch.news(ledger);
    assert.equal(started?.actor, 'ann');
    assert.deepEqual(await watch.news(ledger), [], 'each event once');
    answer = new Error('down');
    list('pods', [podObject('1', B)]);
    const events = await watch.news(ledger);
    assert.deepEqual(
      events.map(({ digest, pods, actor }) => [digest, pods, actor]),
      [
        [B, 1, undefined],
        [A, 0, undefined],
      ],
    );
  }),
);

test(
  'news that could not be written come again after forget',
  withLedger(async (ledger) => {
    const { watch, list } = fixture();
    list('pods', [podObject('1', A, { owner: null })]);
    assert.equal((await watch.news(ledger)).length, 1);
    watch.forget();
    const events = await watch.news(ledger);
    assert.equal(events.length, 1);
    await ledger.append(events);
    watch.forget();
    assert.deepEqual(await watch.news(ledger), [], 'what is written does not come again');
  }),
);
