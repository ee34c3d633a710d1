// What a ledger must know beyond intervals of tags and runs, on whichever database: moments, evidence, holds, shared work, alarms, retention.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvidenceEvent, ImageFacts, LedgerEntry, RollbackEvent, RunEvent, TagEvent } from '../src/ledger/event.ts';
import type { Ledger, RunInterval } from '../src/ledger/ledger.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const START = Date.UTC(2026, 10, 24, 12);
const at = (seconds: number) => new Date(START + seconds * 1000);
const run = (of: string, pods: number, more: Partial<RunEvent> = {}): RunEvent => ({
  kind: 'run',
  cluster: 'prod',
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  container: 'c',
  type: 'container',
  image: 'nginx:1.27',
  digest: of,
  pods,
  ...more,
});
const tag = (to: string | null, more: Partial<TagEvent> = {}): TagEvent => ({
  kind: 'tag',
  registry: 'docker.io',
  repository: 'library/nginx',
  tag: '1.27',
  digest: to,
  source: 'poll',
  ...more,
});
const evidence = (outcome: EvidenceEvent['outcome'], signers: string[] = []): EvidenceEvent => ({
  kind: 'evidence',
  registry: 'docker.io',
  repository: 'library/nginx',
  digest: A,
  outcome,
  signers,
  reason: 'because',
  policy: 'sha256:p',
  source: 'watcher',
});
const rollback: RollbackEvent = {
  kind: 'rollback',
  cluster: 'prod',
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  container: 'c',
  image: `nginx:1.27@${A}`,
  digest: A,
  reason: 'v2 leaks',
  by: 'ann',
  way: 'files',
};
/** Without what a row is called inside. */
const plain = (rows: readonly RunInterval[]) =>
  rows.map((row) => JSON.stringify({ ...row, id: undefined, node: undefined })).sort();

export function knowledgeContract(open: () => Promise<Ledger>): void {
  test('what ran at a moment: the tree of intervals answers as looking at each of them would', async () => {
    const ledger = await open();
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    const spans = Array.from({ length: 400 }, (_, i) => {
      const since = random(5000) / 4;
      return { name: `c${i}`, since, until: random(10) === 0 ? undefined : since + random(8000) / 4 };
    });
    const events = spans.flatMap(({ name, since, until }) => [
      { time: since, event: run(A, 1, { container: name }) },
      ...(until === undefined ? [] : [{ time: until, event: run(A, 0, { container: name }) }]),
    ]);
    for (const { time, event } of events.sort((a, b) => a.time - b.time || b.event.pods - a.event.pods))
      await ledger.append([event], at(time));
    for (const moment of [-1, 0, 3.25, 100, 511.5, 512, 512.5, 1023, 1024, 1249.75, 2000, 4000]) {
      const expected = spans.filter(({ since, until = Number.POSITIVE_INFINITY }) => since <= moment && until > moment);
      const found = await ledger.at(at(moment), { namespace: 'shop' });
      assert.deepEqual(
        found.map(({ container }) => container).sort(),
        expected.map(({ name }) => name).sort(),
        `at ${moment}`,
      );
    }
    await ledger.close();
  });

  test('a rollout is told by its revision and by who made it, even where the digest stays', async () => {
    const ledger = await open();
    await ledger.append([run(A, 3, { revision: '1', actor: 'helm' })], at(0));
    await ledger.append([run(A, 3, { revision: '2', actor: 'ann' }), run(A, 0, { revision: '1' })], at(60));
    const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.deepEqual(
      history.map(({ revision, actor, until }) => [revision, actor, until]),
      [
        ['2', 'ann', null],
        ['1', 'helm', at(60).toISOString()],
      ],
    );
    await ledger.close();
  });

  test('evidence holds until it changes; a hold until it is replaced or released; never is never forgotten', async () => {
    const ledger = await open();
    const { statements: results } = ledger;
    await ledger.append([evidence('allow', ['release: ann'])], at(0));
    await ledger.append([evidence('deny')], at(60));
    assert.deepEqual(
      (await results.evidence([A])).map(({ outcome, signers, until }) => [outcome, signers, until]),
      [
        ['deny', [], null],
        ['allow', ['release: ann'], at(60).toISOString()],
      ],
    );
    assert.equal((await results.openEvidence()).length, 1);
    await ledger.append([rollback, { ...rollback, container: 'd' }], at(60));
    await ledger.append([{ ...rollback, digest: B }], at(120));
    const held = async () => (await results.holds()).map(({ container, digest: of }) => `${container} ${of === B}`);
    assert.deepEqual((await held()).sort(), ['c true', 'd false']);
    const { cluster, namespace, workload, by } = rollback;
    await ledger.append([{ kind: 'release', cluster: 'other', namespace, workload, by }], at(130));
    assert.equal((await held()).length, 2, 'another cluster’s');
    await ledger.append([{ kind: 'release', cluster, namespace, workload, by }], at(140));
    assert.deepEqual(await held(), []);
    await ledger.append([{ kind: 'block', digests: [B, C], reason: 'evil', by: 'ann' }], at(150));
    await ledger.append([{ kind: 'block', digests: [B], reason: 'again', by: 'bob' }], at(160));
    assert.deepEqual((await results.blocklist()).map(({ digest: of, reason }) => [of, reason]).sort(), [
      [B, 'evil'],
      [C, 'evil'],
    ]);
    await ledger.close();
  });

  test('what an image is made of is found by any member of its closure', async () => {
    const ledger = await open();
    const image: ImageFacts = {
      platform: 'linux/amd64',
      entrypoint: '/web',
      cmd: '',
      user: '',
      workingDir: '',
      env: { PORT: '0123456789ab' },
      labels: {},
      layers: [[C, 7]],
    };
    const members = [
      { digest: A, role: 'index' as const },
      { digest: B, role: 'manifest' as const, platform: 'linux/amd64' },
    ];
    await ledger.append([{ kind: 'closure', root: A, members, images: [image] }]);
    for (const asked of [A, B]) assert.deepEqual(await ledger.images(asked), [image]);
    assert.deepEqual(await ledger.images(C), []);
    await ledger.close();
  });

  test('moves of tags, newest first, without looks at digests', async () => {
    const ledger = await open();
    await ledger.append([tag(A), tag(A, { tag: A })], at(0));
    await ledger.append([tag(B), tag(null, { tag: A })], at(10));
    await ledger.append([tag(null)], at(20));
    const moves = await ledger.moves();
    assert.deepEqual(
      moves.map(({ from, to, rested, at: when }) => [from, to, rested, when]),
      [
        [B, null, at(10).toISOString(), at(20).toISOString()],
        [A, B, at(0).toISOString(), at(10).toISOString()],
      ],
    );
    assert.equal((await ledger.moves({ before: at(20).toISOString() })).length, 1);
    assert.deepEqual((await ledger.openTags()).map(({ tag: name, moved }) => [name.slice(0, 6), moved]).sort(), [
      ['1.27', true],
      ['sha256', true],
    ]);
    await ledger.close();
  });

  test('of several watchers one asks; what one took and did not finish is another’s later', async () => {
    const ledger = await open();
    const poll = (name: string, due: number) => ({
      registry: 'r.io',
      repository: 'x',
      tag: name,
      checked: null,
      due,
      failure: null,
    });
    const polls = ['a', 'b', 'c'].map((name) => poll(name, 0));
    const [first, second] = await Promise.all([ledger.polls.claim(polls, 10, 100), ledger.polls.claim(polls, 10, 100)]);
    const names = [...first.mine, ...second.mine].map(({ tag: name }) => name).sort();
    assert.deepEqual(names, ['a', 'b', 'c'], 'each is one’s');
    assert.equal(first.mine.length + first.others.length, 3);
    assert.equal((await ledger.polls.claim(polls, 50, 200)).mine.length, 0);
    assert.equal((await ledger.polls.claim(polls, 100, 200)).mine.length, 3, 'whoever took them is gone');
    await ledger.polls.keep([{ ...poll('a', 5000), checked: 300 }]);
    const { mine, others } = await ledger.polls.claim(polls, 300, 400);
    assert.deepEqual(mine.map(({ tag: name }) => name).sort(), ['b', 'c']);
    assert.deepEqual(
      others.map(({ tag: name, due, checked }) => [name, due, checked]),
      [['a', 5000, 300]],
    );
    await ledger.close();
  });

  test('only one leads, until it leaves or is silent for long', async () => {
    const ledger = await open();
    const lead = (holder: string, now: number) => ledger.acquire('cluster prod', holder, now, 100);
    assert.deepEqual(
      [await lead('a', 0), await lead('b', 50), await lead('a', 90), await lead('b', 150)],
      [true, false, true, false],
    );
    assert.equal(await lead('b', 300), true);
    await ledger.release('b');
    assert.equal(await lead('a', 301), true);
    await ledger.close();
  });

  test('an alarm is told once while it stands, and again when it comes back later', async () => {
    const ledger = await open();
    const { alarms } = ledger;
    const alarm = {
      key: 'unpinned prod shop/Deployment/web c',
      code: 'unpinned',
      severity: 'warning' as const,
      subject: 'shop/Deployment/web c',
      message: 'declared by tag',
      about: { cluster: 'prod' },
    };
    const told: number[] = [];
    const stand = async (list: (typeof alarm)[], minutes: number, scope: string | undefined = 'prod') => {
      const tell = (fresh: readonly object[]) => {
        told.push(fresh.length);
        return [{ sink: 'ops', body: String(minutes) }];
      };
      return (await alarms.stand(list, scope, tell, START + minutes * 60_000)).length;
    };
    assert.deepEqual([await stand([alarm], 0), await stand([alarm], 1)], [1, 0]);
    assert.equal((await alarms.list(true)).length, 1);
    assert.equal(await stand([], 2, 'other'), 0);
    assert.equal((await alarms.list(true)).length, 1, 'another cluster says nothing about it');
    await stand([], 3);
    assert.equal((await alarms.list(true)).length, 0);
    assert.equal(await stand([alarm], 10), 0, 'it flaps');
    assert.equal((await alarms.list(true)).length, 1);
    await stand([], 11);
    assert.equal(await stand([alarm], 90), 1);
    const happened = { ...alarm, key: 'tag-moved x', code: 'tag-moved' };
    assert.deepEqual([await stand([happened], 100, undefined), await stand([happened], 500, undefined)], [1, 0]);
    assert.equal(await alarms.list(false).then((list) => list.length), 2);
    const [one, ...rest] = await alarms.claim(START + 100 * 60_000, START + 200 * 60_000);
    assert.deepEqual([one?.sink, rest.length], ['ops', 2]);
    assert.deepEqual(await alarms.claim(START + 100 * 60_000, START), [], 'somebody has them');
    await alarms.delivered(one?.id as number);
    await alarms.failed(rest[0]?.id as number, 'it is down', START);
    assert.deepEqual(await alarms.waiting(), [{ sink: 'ops', count: 2, failure: 'it is down' }]);
    await ledger.close();
  });

  test('two that raise the same alarm at once: one tells', async () => {
    const ledger = await open();
    const alarm = { key: 'k', code: 'c', severity: 'critical' as const, subject: 's', message: 'm', about: {} };
    const tell = () => [{ sink: 'ops', body: '' }];
    const raised = await Promise.all(
      Array.from({ length: 8 }, () => ledger.alarms.stand([alarm], undefined, tell, START)),
    );
    assert.equal(raised.flat().length, 1);
    assert.deepEqual(await ledger.alarms.waiting(), [{ sink: 'ops', count: 1, failure: null }]);
    await ledger.close();
  });

  test('retention: what ended long ago goes, what still counts stays, and the record alone is still enough', async () => {
    const [ledger, copy] = [await open(), await open()];
    await ledger.append([tag(A), run(A, 2), run(A, 1, { container: 'old' }), evidence('allow', ['x'])], at(0));
    await ledger.append([{ kind: 'closure', root: B, members: [{ digest: B, role: 'manifest' }] }], at(5));
    await ledger.append([{ kind: 'closure', root: A, members: [{ digest: A, role: 'manifest' }] }], at(5));
    await ledger.append([run(A, 0, { container: 'old' }), rollback], at(10));
    await ledger.append([{ kind: 'block', digests: [B], reason: 'evil', by: 'ann' }], at(11));
    await ledger.append([run(A, 0), run(C, 1), tag(C)], at(100));
    await ledger.append([run(C, 3)], at(110));
    const before = await ledger.at(at(50));
    assert.equal(await ledger.compact(at(50), at(200)), 9);
    assert.equal(await ledger.compact(at(-50), at(201)), 0, 'nothing is that old');
    assert.deepEqual(plain(await ledger.at(at(50))), plain(before), 'what ran on after the cut is still there');
    assert.deepEqual(await ledger.runHistory({ namespace: 'shop', name: 'web' }).then((rows) => rows.length), 2);
    assert.equal(await ledger.closure(B), undefined);
    assert.notEqual(await ledger.closure(A), undefined);
    assert.equal((await ledger.statements.blocklist()).length, 1);
    const { broken, count } = await ledger.verify();
    assert.equal(broken, undefined);
    const entries: LedgerEntry[] = [];
    for await (const entry of ledger.entries()) entries.push(entry);
    assert.equal(entries.length, count);
    await copy.restore(entries, await ledger.base());
    assert.deepEqual(await copy.verify(), await ledger.verify());
    for (const moment of [20, 50, 99, 100, 110, 300])
      assert.deepEqual(plain(await copy.at(at(moment))), plain(await ledger.at(at(moment))), `at ${moment}`);
    assert.deepEqual(plain(await copy.open('prod')), plain(await ledger.open('prod')));
    const history = async (of: Ledger) =>
      (await of.tagHistory('docker.io', 'library/nginx')).map(({ digest: to, since, until }) => [to, since, until]);
    assert.deepEqual(await history(copy), await history(ledger));
    assert.equal((await copy.statements.holds()).length, 1);
    assert.equal((await copy.statements.openEvidence())[0]?.since, at(0).toISOString());
    await ledger.close();
    await copy.close();
  });
}
