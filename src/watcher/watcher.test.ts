// What is recorded of pods and of tags: once, whatever comes twice; and what happened while nobody watched.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { type Owner, podOf } from '../inventory/pods.ts';
import type { RunEvent } from '../ledger/event.ts';
import { openLedger } from '../ledger/open.ts';
import { Problem } from '../problem.ts';
import { Budget } from './budget.ts';
import { ClusterWatch, type Feed } from './cluster-watch.ts';
import { Recorder } from './recorder.ts';
import { firstOf, intervalOf, LONGEST_MS, retryOf, SHORTEST_MS } from './schedule.ts';
import { type TagChange, Tags } from './tags.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-watcher-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const open = () => openLedger(join(folder, `${count++}.db`));
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B] = [digest('a'), digest('b')];

const set: Owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs' };
const owners = new Map([['rs', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd' }]]);
const pod = (name: string, of: string | undefined, owner: Owner | null = set, phase = 'Running') =>
  podOf({
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      ...(owner && { ownerReferences: [{ ...owner, controller: true }] }),
    },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'web:1' }] },
    status: { phase, containerStatuses: of === undefined ? [] : [{ name: 'c', imageID: `web@${of}` }] },
  });
const told = (events: readonly RunEvent[]) =>
  events.map(({ workload, digest: of, pods }) => `${workload.kind}/${workload.name} ${of === A ? 'A' : 'B'} ${pods}`);

test('a rollout, pod by pod: what starts, what grows, what ends; nothing twice', () => {
  const recorder = new Recorder('prod', []);
  const steps: [pods: ReturnType<typeof pod>[], expected: string[]][] = [
    [[pod('1', undefined)], []],
    [[pod('1', A)], ['Deployment/web A 1']],
    [[pod('1', A)], []],
    [[pod('1', A), pod('2', A)], ['Deployment/web A 2']],
    [[pod('1', A)], []],
    [[pod('1', A), pod('3', B)], ['Deployment/web B 1']],
    [[pod('3', B), pod('4', A, set, 'Succeeded')], ['Deployment/web A 0']],
    [[], ['Deployment/web B 0']],
  ];
  for (const [pods, expected] of steps) assert.deepEqual(told(recorder.changes(pods, owners)), expected);
});

test('a pod whose ReplicaSet is not known yet waits: nobody can say whose it is', () => {
  const recorder = new Recorder('prod', []);
  assert.deepEqual(recorder.changes([pod('1', A)], new Map()), []);
  assert.deepEqual(told(recorder.changes([pod('1', A)], new Map([['rs', null]]))), ['ReplicaSet/web-1 A 1']);
});

test('a watcher that comes back goes on from the ledger: what ended meanwhile is closed, what runs on is not told again', async () => {
  const ledger = await open();
  const before = new Recorder('prod', []);
  await ledger.append(before.changes([pod('1', A), pod('2', B, null)], owners));
  const again = new Recorder('prod', await ledger.open('prod'));
  assert.deepEqual(told(again.changes([pod('1', A)], owners)), ['Pod/2 B 0']);
  const elsewhere = new Recorder('other', await ledger.open('other'));
  assert.deepEqual(elsewhere.changes([], owners), [], 'other clusters are not ours to close');
  await ledger.close();
});

test('how often a tag is asked about follows from its rest', () => {
  const hour = 3_600_000;
  assert.equal(intervalOf(0, false, 0.5), hour, 'a new one hourly');
  assert.equal(intervalOf(0, true, 0.5), SHORTEST_MS, 'one that just moved, soon');
  assert.equal(intervalOf(24 * hour, true, 0.5), hour);
  assert.equal(intervalOf(400 * 24 * hour, true, 0.5), LONGEST_MS);
  assert.ok(retryOf(1, 0) < retryOf(2, 0) && retryOf(50, 1) <= LONGEST_MS * 1.1);
  const first = Array.from({ length: 20_000 }, (_, i) => firstOf(i, 20_000, 0));
  const perSecond = Map.groupBy(first, (due) => Math.floor(due / 1000));
  assert.ok(
    Math.max(...[...perSecond.values()].map((list) => list.length)) <= 16,
    'twenty thousand at once are no burst',
  );
});

/** A registry that announces nothing. */
const plenty = () => new Budget(() => undefined);
const reference = (text: string) => parseReference(text) as Reference;

test('a tag: first seen, the same, moved, gone, back; silence changes nothing', async () => {
  const ledger = await open();
  let answer: string | Problem = A;
  const moves: TagChange[] = [];
  const failures: string[] = [];
  let asked = 0;
  const tags = new Tags({
    ledger,
    ask: async () => {
      asked++;
      if (answer instanceof Problem) throw answer;
      return { digest: answer };
    },
    budget: plenty(),
    moved: (move) => moves.push(move),
    failed: (_, problem) => failures.push(problem.code),
    broken: assert.fail,
  });
  await tags.start();
  let now = Date.parse('2026-11-24T00:00:00Z');
  tags.follow([reference('nginx:1.27'), reference('docker.io/library/nginx:1.27')], now);
  assert.equal(tags.size, 1, 'one tag, whoever uses it');
  const hour = 3_600_000;
  for (const next of [A, B, new Problem('unreachable', 'down'), B, new Problem('not-found', 'gone'), A]) {
    answer = next;
    await tags.tick(now);
    now += 25 * hour;
  }
  await tags.tick(now);
  tags.stop();
  assert.deepEqual(
    moves.map(({ from, to }) => [from, to]),
    [
      [A, B],
      [B, null],
      [null, A],
    ],
  );
  assert.deepEqual(failures, ['unreachable']);
  const history = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
  assert.deepEqual(
    history.map(({ digest: of }) => of),
    [A, null, B, A],
  );
  assert.equal(asked, 7);
  await ledger.close();
});

test('a restart asks about nothing that is not due, and knows what each tag was', async () => {
  const ledger = await open();
  let asked = 0;
  const moves: TagChange[] = [];
  const make = () =>
    new Tags({
      ledger,
      ask: async () => (asked++, { digest: A }),
      budget: plenty(),
      moved: (move) => moves.push(move),
      failed: () => {},
      broken: assert.fail,
    });
  const now = Date.now();
  const all = Array.from({ length: 30 }, (_, i) => reference(`r.io/x:${i}`));
  const first = make();
  await first.start();
  first.follow(all, now);
  for (let i = 0; i < 10; i++) await first.tick(now + 5000 + i * 1000);
  first.stop();
  assert.equal(asked, 30);
  const second = make();
  await second.start();
  second.follow(all, now + 20_000);
  await second.tick(now + 21_000);
  assert.equal(asked, 30);
  await second.tick(now + 90 * 60_000);
  second.stop();
  assert.equal(asked, 36, 'and no more a second than the budget');
  assert.deepEqual(moves, []);
  await ledger.close();
});

test('a Job that was over before anybody looked is told with its own times, once, whoever restarts', async () => {
  const ledger = await open();
  const job = (name: string) => ({
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'migrate', uid: 'job', controller: true }],
    },
    spec: { containers: [{ name: 'c', image: 'migrate:1' }] },
    status: {
      phase: 'Succeeded',
      containerStatuses: [
        {
          name: 'c',
          imageID: `migrate@${A}`,
          state: { terminated: { startedAt: '2026-11-24T01:00:00Z', finishedAt: '2026-11-24T01:00:07Z' } },
        },
      ],
    },
  });
  const pods = [job('one'), job('two')];
  const follow: Feed['follow'] = async ({ resource }, { onList, take }) =>
    onList(resource === 'pods' ? pods.map(take) : resource === 'jobs' ? [take({ metadata: { uid: 'job' } })] : []);
  const feed: Feed = { name: 'prod', who: async () => new Map(), follow };
  for (let restart = 0; restart < 3; restart++) {
    const watch = new ClusterWatch(feed, { changed: () => {}, say: assert.fail });
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
  await ledger.close();
});
