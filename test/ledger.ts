// What a ledger must do, on whichever database: the same tests for both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerEntry, LedgerEvent, RunEvent, TagEvent } from '../src/ledger/event.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const at = (minute: number) => new Date(Date.UTC(2026, 10, 24, 12, minute));
const tag = (to: string | null, more: Partial<TagEvent> = {}): TagEvent => ({
  kind: 'tag',
  registry: 'docker.io',
  repository: 'library/nginx',
  tag: '1.27',
  digest: to,
  source: 'poll',
  ...more,
});
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

/** @param open gives an empty ledger each time; @param tamper changes one stored entry behind its back */
export function ledgerContract(
  open: () => Promise<Ledger>,
  tamper: (ledger: Ledger, statement: string) => Promise<void>,
): void {
  const filled = async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 3)], at(0));
    await ledger.append([tag(B)], at(10));
    await ledger.append([run(B, 1, { actor: 'kubectl' }), run(A, 2)], at(20));
    await ledger.append([run(A, 0), run(B, 3)], at(30));
    await ledger.append([tag(null)], at(40));
    return ledger;
  };

  test('what a tag pointed to, from when to when; that it was gone is told too', async () => {
    const ledger = await filled();
    const history = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
    assert.deepEqual(
      history.map(({ digest: of, since, until }) => [of, since, until]),
      [
        [null, at(40).toISOString(), null],
        [B, at(10).toISOString(), at(40).toISOString()],
        [A, at(0).toISOString(), at(10).toISOString()],
      ],
    );
    await ledger.close();
  });

  test('what a workload ran, and what ran at a moment', async () => {
    const ledger = await filled();
    const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.deepEqual(
      history.map(({ digest: of, pods, until, actor }) => [of, pods, until, actor]),
      [
        [B, 3, null, 'kubectl'],
        [A, 3, at(30).toISOString(), null],
      ],
    );
    const then = async (minute: number) => (await ledger.at(at(minute))).map((row) => row.digest).sort();
    assert.deepEqual(await then(5), [A]);
    assert.deepEqual(await then(25), [A, B]);
    assert.deepEqual(await then(35), [B]);
    assert.deepEqual(await then(-5), []);
    assert.deepEqual(
      (await ledger.open('prod')).map((row) => row.digest),
      [B],
    );
    assert.deepEqual(await ledger.open('other'), []);
    await ledger.close();
  });

  test('where a digest runs and ever ran: by any member of its closure', async () => {
    const ledger = await filled();
    await ledger.append(
      [
        {
          kind: 'closure',
          root: C,
          members: [
            { digest: C, role: 'index' },
            { digest: A, role: 'manifest', platform: 'linux/amd64' },
          ],
        },
      ],
      at(50),
    );
    for (const asked of [C, A]) {
      const found = await ledger.where(asked);
      assert.deepEqual(
        found.runs.map((row) => row.digest),
        [A],
        asked,
      );
      assert.deepEqual(
        found.tags.map((row) => row.tag),
        ['1.27'],
      );
    }
    assert.deepEqual((await ledger.where(digest('d'))).runs, []);
    await ledger.close();
  });

  test('the chain holds; a changed, a missing and a cut-off entry are found', async () => {
    const ledger = await filled();
    const whole = await ledger.verify();
    assert.equal(whole.count, 8);
    assert.equal(whole.broken, undefined);
    await tamper(ledger, `update event set body = replace(body, 'nginx', 'evil') where seq = 3`);
    assert.deepEqual((await ledger.verify()).broken, {
      seq: 3,
      reason: 'it was changed after it was written: its hash does not hold',
    });
    await tamper(ledger, `update event set body = replace(body, 'evil', 'nginx') where seq = 3`);
    assert.equal((await ledger.verify()).broken, undefined);
    await tamper(ledger, 'delete from event where seq = 8');
    assert.match((await ledger.verify()).broken?.reason ?? '', /up to 8 were written, and are gone/);
    await tamper(ledger, 'delete from event where seq = 2');
    assert.deepEqual((await ledger.verify()).broken, { seq: 3, reason: 'entry 2 is missing' });
    await ledger.close();
  });

  test('an export and a restore give the same record, and the same intervals', async () => {
    const [from, to] = [await filled(), await open()];
    const entries: LedgerEntry[] = [];
    for await (const entry of from.entries()) entries.push(entry);
    await to.restore(entries);
    assert.equal((await to.verify()).head, (await from.verify()).head);
    assert.deepEqual(
      await to.tagHistory('docker.io', 'library/nginx'),
      await from.tagHistory('docker.io', 'library/nginx'),
    );
    await from.close();
    await to.close();
  });

  test('a batch is whole or not there', async () => {
    const ledger = await filled();
    const broken = { kind: 'run', digest: A } as unknown as LedgerEvent;
    await assert.rejects(ledger.append([tag(A), broken], at(60)));
    assert.equal((await ledger.verify()).count, 8);
    assert.equal((await ledger.tagHistory('docker.io', 'library/nginx', '1.27'))[0]?.digest, null);
    await ledger.close();
  });

  test('a batch in which things begin and end and begin again', async () => {
    const ledger = await open();
    await ledger.append(
      [run(A, 1), run(A, 0), run(A, 2), run(A, 4), run(A, 3), run(B, 0), tag(A), tag(B), tag(A)],
      at(0),
    );
    await ledger.append([run(A, 1), run(A, 0), run(A, 1)], at(1));
    const runs = (await ledger.runHistory({ namespace: 'shop', name: 'web' })).map(
      ({ digest: of, pods, since, until }) => [of, pods, since, until],
    );
    const [t0, t1] = [at(0).toISOString(), at(1).toISOString()];
    assert.deepEqual(runs, [
      [A, 1, t1, null],
      [A, 4, t0, t1],
      [A, 1, t0, t0],
    ]);
    const tags = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
    assert.deepEqual(
      tags.map(({ digest: of, until }) => [of, until]),
      [
        [A, null],
        [B, t0],
        [A, t0],
      ],
    );
    const many = Array.from({ length: 1700 }, (_, i) => run(A, 1, { container: `c${i}` }));
    await ledger.append(many, at(2));
    await ledger.append(
      many.map((event) => ({ ...event, pods: 0 })),
      at(3),
    );
    assert.equal((await ledger.open('prod')).length, 1);
    await ledger.close();
  });

  test('a clock that runs behind another’s: nothing ends before it began, and nothing is lost', async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 1)], at(60));
    await ledger.append([tag(B), run(A, 0), run(B, 1)], at(0));
    const runs = await ledger.runHistory({ namespace: 'shop', name: 'web' });
    assert.ok(runs.every(({ since, until }) => until === null || until >= since));
    assert.deepEqual(
      (await ledger.open('prod')).map(({ digest: of }) => of),
      [B],
    );
    const tags = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
    const times = tags.map(({ digest: of, since, until }) => [of, since, until]);
    const t = at(60).toISOString();
    assert.deepEqual(times, [
      [B, t, null],
      [A, t, t],
    ]);
    await ledger.close();
  });

  test('many at once: numbers without gaps, a chain without forks', async () => {
    const ledger = await open();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        ledger.append([tag(A, { tag: `t${i}` }), run(A, 1, { container: `c${i}` })]),
      ),
    );
    assert.deepEqual(await ledger.verify().then(({ count, broken }) => [count, broken]), [40, undefined]);
    await ledger.close();
  });
}
