// The simulated cluster reports lists and changes as an API server does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, withLedger } from '../../../test/watcher-fixtures.ts';
import { ClusterWatch } from '../../watcher/cluster-watch.ts';
import { Story, type StoryWorkload } from './demo-story.ts';

const web: StoryWorkload = {
  namespace: 'shop',
  name: 'web',
  image: 'localhost:5000/shop/web:v1',
  digest: A,
  pods: 3,
  revision: '2',
  by: 'ann',
};

function watched() {
  const story = new Story('demo (simulated)', [web]);
  const watch = new ClusterWatch(story, { changed: () => {}, log: assert.fail });
  watch.start(new AbortController().signal);
  const seen = () =>
    watch.rows().flatMap(({ kind, name, running }) => running.map(({ digest, pods }) => [kind, name, digest, pods]));
  return { story, watch, seen };
}

test('a watch is synced after the first lists, and sees workloads and platforms', () => {
  const { watch, seen } = watched();
  assert.equal(watch.synced, true);
  assert.deepEqual(seen(), [['Deployment', 'web', A, 3]]);
  assert.deepEqual([watch.platformOf('node-0'), watch.platformOf('node-2')], ['linux/amd64', 'linux/arm64']);
});

test('a restarted pod runs what the tag points to now: mixed replicas', () => {
  const { story, watch, seen } = watched();
  story.restart('web', B);
  story.restart('no such workload', B);
  assert.deepEqual(seen(), [
    ['Deployment', 'web', A, 2],
    ['Deployment', 'web', B, 1],
  ]);
  assert.equal(watch.rows()[0]?.mixed, true);
});

test(
  'a rollout replaces all pods, and is recorded with its revision and its actor',
  withLedger(async (ledger) => {
    const { story, watch, seen } = watched();
    await ledger.append(await watch.news(ledger));
    story.restart('web', B);
    story.rollOut({ ...web, image: `localhost:5000/shop/web:v1@${A}`, revision: '3', by: 'tagproof' });
    assert.deepEqual(seen(), [['Deployment', 'web', A, 3]]);
    assert.equal(watch.rows()[0]?.mixed, false);
    const events = await watch.news(ledger);
    assert.deepEqual(
      events.map(({ digest, pods, revision, actor }) => [digest, pods, revision, actor]),
      [
        [A, 3, '3', 'tagproof'],
        [A, 0, '2', undefined],
      ],
    );
  }),
);
