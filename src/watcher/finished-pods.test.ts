// Pods of Jobs that ended before anybody saw them run: recorded once, with their own times, across
// restarts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, withLedger } from '../../test/watcher-fixtures.ts';
import type { RunEvent } from '../ledger/event.ts';
import { ClusterWatch } from './cluster-watch.ts';
import type { Feed } from './feed.ts';
import { isSameRun } from './finished-pods.ts';

const job = (name: string, startedAt: string, finishedAt: string) => ({
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'migrate', uid: 'job', controller: true }],
  },
  spec: { containers: [{ name: 'c', image: 'migrate:1' }] },
  status: {
    phase: 'Succeeded',
    containerStatuses: [{ name: 'c', imageID: `migrate@${A}`, state: { terminated: { startedAt, finishedAt } } }],
  },
});
const START = '2026-11-24T01:00:00Z';
const END = '2026-11-24T01:00:07Z';

test(
  'a Job that was over before anybody looked is recorded with its own times, once, however often the watcher restarts',
  withLedger(async (ledger) => {
    const pods = [job('one', START, END), job('two', START, END)];
    const follow: Feed['follow'] = async ({ resource }, { onList, take }) =>
      onList(resource === 'pods' ? pods.map(take) : resource === 'jobs' ? [take({ metadata: { uid: 'job' } })] : []);
    const feed: Feed = { name: 'prod', who: async () => new Map(), follow };
    for (let restart = 0; restart < 3; restart++) {
      const watch = new ClusterWatch(feed, { changed: () => {}, log: assert.fail });
      watch.start(new AbortController().signal);
      for (let again = 0; again < 2; again++) {
        const events = await watch.news(ledger);
        assert.equal(events.length, restart === 0 && again === 0 ? 2 : 0);
        if (events.length > 0) await ledger.append(events, new Date('2026-11-24T05:00:00Z'));
      }
    }
    const [run] = await ledger.runHistory({ namespace: 'shop', kind: 'Job', name: 'migrate' });
    assert.deepEqual([run?.since, run?.until], ['2026-11-24T01:00:00.000Z', '2026-11-24T01:00:07.000Z']);
    assert.equal((await ledger.at(new Date('2026-11-24T01:00:03Z'))).length, 2);
    assert.deepEqual(await ledger.open('prod'), []);
  }),
);

test('a run is the same one when container, type and digest are equal and the times meet within a minute', () => {
  const event = { container: 'c', type: 'container', digest: A, since: START, until: END } as RunEvent;
  const run = { container: 'c', type: 'container', digest: A, since: START, until: END } as Parameters<
    typeof isSameRun
  >[0];
  const at = (seconds: number) => new Date(Date.parse(START) + seconds * 1000).toISOString();
  const cases: [name: string, run: Parameters<typeof isSameRun>[0], expected: boolean][] = [
    ['the same', run, true],
    ['open', { ...run, until: null }, true],
    ['clocks differ by less than a minute', { ...run, since: at(60), until: at(70) }, true],
    ['it began more than a minute after the pod ended', { ...run, since: at(68), until: null }, false],
    ['it ended more than a minute before the pod began', { ...run, since: at(-900), until: at(-61) }, false],
    ['another container', { ...run, container: 'd' }, false],
    ['another digest', { ...run, digest: B }, false],
    ['an init container', { ...run, type: 'init' }, false],
  ];
  for (const [name, given, expected] of cases) assert.equal(isSameRun(given, event), expected, name);
});
