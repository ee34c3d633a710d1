// Contract: what tags pointed to and what workloads ran, from when to when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, at, B, C, closing, closure, D, digestOf, iso, type Open, run, tag } from './events.ts';

export function historyContract(open: Open): void {
  const filled = async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 3)], at(0));
    await ledger.append([tag(B)], at(10));
    await ledger.append([run(B, 1, { actor: 'kubectl' }), run(A, 2)], at(20));
    await ledger.append([run(A, 0), run(B, 3)], at(30));
    await ledger.append([tag(null)], at(40));
    return ledger;
  };

  test('what a tag pointed to, from when to when; a tag that is gone is an interval too', async () => {
    const ledger = await filled();
    await closing([ledger], async () => {
      const history = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
      assert.deepEqual(
        history.map(({ digest, since, until }) => [digest, since, until]),
        [
          [null, iso(40), null],
          [B, iso(10), iso(40)],
          [A, iso(0), iso(10)],
        ],
      );
    });
  });

  test('what a workload ran, and what ran at a moment', async () => {
    const ledger = await filled();
    await closing([ledger], async () => {
      const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.deepEqual(
        history.map(({ digest, pods, until, actor }) => [digest, pods, until, actor]),
        [
          [B, 3, null, 'kubectl'],
          [A, 3, iso(30), null],
        ],
      );
      const then = async (second: number) => (await ledger.at(at(second))).map(({ digest }) => digest).sort();
      assert.deepEqual(await then(5), [A]);
      assert.deepEqual(await then(25), [A, B]);
      assert.deepEqual(await then(30), [B], 'an interval does not contain its end');
      assert.deepEqual(await then(35), [B]);
      assert.deepEqual(await then(-5), []);
      const openIn = async (cluster: string) => (await ledger.open(cluster)).map(({ digest }) => digest);
      assert.deepEqual([await openIn('prod'), await openIn('other')], [[B], []]);
      const where = async (more: object) =>
        (await ledger.runHistory({ namespace: 'shop', name: 'web', ...more })).length;
      assert.deepEqual(
        [await where({ kind: 'Job' }), await where({ cluster: 'other' }), await where({ kind: 'Deployment' })],
        [0, 0, 2],
      );
    });
  });

  test('where a digest runs and ever ran: by any member of its closure', async () => {
    const ledger = await filled();
    await closing([ledger], async () => {
      await ledger.append([closure(C, A, digestOf('e')), run(digestOf('e'), 1)], at(50));
      for (const member of [C, A, digestOf('e')]) {
        const found = await ledger.where(member);
        assert.deepEqual(
          found.runs.map(({ digest }) => digest),
          [digestOf('e'), A],
          member,
        );
        assert.deepEqual(
          found.tags.map((row) => row.tag),
          ['1.27'],
        );
      }
      assert.deepEqual(await ledger.where(D), { digests: [D], runs: [], tags: [] });
    });
  });

  test('the tree of intervals finds what ran at a moment, as a check of each interval would', async () => {
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
    await closing([ledger], async () => {
      for (const moment of [-1, 0, 3.25, 100, 511.5, 512, 512.5, 1023, 1024, 1249.75, 2000, 4000]) {
        const expected = spans.filter(
          ({ since, until = Number.POSITIVE_INFINITY }) => since <= moment && until > moment,
        );
        const found = await ledger.at(at(moment), { namespace: 'shop' });
        assert.deepEqual(
          found.map(({ container }) => container).sort(),
          expected.map(({ name }) => name).sort(),
          `at ${moment}`,
        );
        assert.deepEqual(await ledger.at(at(moment), { cluster: 'other' }), []);
        assert.deepEqual(await ledger.at(at(moment), { namespace: 'other' }), []);
      }
    });
  });

  test('a rollout is recorded with its revision and its actor, even where the digest stays', async () => {
    const ledger = await open();
    await ledger.append([run(A, 3, { revision: '1', actor: 'helm' })], at(0));
    await ledger.append([run(A, 3, { revision: '2', actor: 'ann' }), run(A, 0, { revision: '1' })], at(60));
    await closing([ledger], async () => {
      const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.deepEqual(
        history.map(({ revision, actor, until }) => [revision, actor, until]),
        [
          ['2', 'ann', null],
          ['1', 'helm', iso(60)],
        ],
      );
    });
  });

  test('moves of tags, newest first, and whether a tag ever moved', async () => {
    const ledger = await open();
    await ledger.append([tag(A), tag(A, { tag: 'still' }), tag(B, { tag: B })], at(0));
    await ledger.append([tag(B), tag(null, { tag: B })], at(60));
    await ledger.append([tag(null)], at(120));
    await closing([ledger], async () => {
      const moves = await ledger.moves();
      assert.deepEqual(
        moves.map(({ from, to, rested, at: time }) => [from, to, rested, time]),
        [
          [B, null, iso(60), iso(120)],
          [A, B, iso(0), iso(60)],
        ],
        'a digest in place of a tag does not move',
      );
      assert.equal((await ledger.moves({ before: iso(120) })).length, 1);
      assert.equal((await ledger.moves({ limit: 1 })).length, 1);
      const moved = (await ledger.openTags()).map(({ tag: name, moved: ever }) => [name.slice(0, 6), ever]);
      assert.deepEqual(moved.sort(), [
        ['1.27', true],
        ['sha256', true],
        ['still', false],
      ]);
      const still = { registry: 'docker.io', repository: 'library/nginx', tag: 'still' };
      assert.deepEqual(
        (await ledger.openTags([still])).map((row) => row.tag),
        ['still'],
      );
      assert.deepEqual(await ledger.openTags([]), []);
    });
  });

  test('what an image is made of is found by any member of its closure', async () => {
    const ledger = await open();
    await ledger.append([closure(A, B)], at(0));
    await closing([ledger], async () => {
      const of = async (digest: string) => (await ledger.images(digest)).map(({ entrypoint }) => entrypoint);
      assert.deepEqual([await of(A), await of(B), await of(digestOf('e'))], [['/aa'], ['/aa'], []]);
      assert.deepEqual(
        (await ledger.rootsOf([B])).map(({ root, member }) => [root, member]),
        [[A, B]],
      );
      assert.deepEqual(await ledger.rootsOf([A]), []);
      assert.equal((await ledger.closure(A))?.length, 2);
      assert.equal(await ledger.closure(B), undefined);
    });
  });

  test('a ledger says how much it holds, and since when', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      assert.match(await ledger.describe(), /^\S+ \(no entries\)$/);
      await ledger.append([tag(A)], at(0));
      assert.match(await ledger.describe(), /^\S+ \(1 entry since 2026-11-24T12:00:00Z\)$/);
      await ledger.append([run(A, 1)], at(5));
      assert.match(await ledger.describe(), /\(2 entries since 2026-11-24T12:00:00Z\)$/);
    });
  });
}
