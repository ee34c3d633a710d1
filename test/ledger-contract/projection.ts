// Contract: the tables are a function of the events in their order, however they are cut into
// batches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { A, at, B, closing, iso, type Open, replayed, run, tag } from './events.ts';
import { historyArbitrary, record } from './random-history.ts';
import { answersOf } from './tables.ts';

/** @param runs of each property: a database is opened for each */
export function projectionContract(open: Open, runs: number): void {
  test('property: any size of batch gives the same tables', async () => {
    await fc.assert(
      fc.asyncProperty(historyArbitrary, fc.integer({ min: 1, max: 9 }), async (history, size) => {
        const ledger = await open();
        await record(ledger, history);
        const copies = [await replayed(open, ledger, size), await replayed(open, ledger, 1000)];
        const moments = Array.from({ length: 8 }, (_, i) => at(i * 5 + 1));
        await closing([ledger, ...copies], async () => {
          const expected = await answersOf(ledger, moments);
          for (const copy of copies) assert.deepEqual(await answersOf(copy, moments), expected);
        });
      }),
      { numRuns: runs, seed: 11 },
    );
  });

  test('a batch in which things begin and end and begin again', async () => {
    const ledger = await open();
    await closing([ledger], async () => {
      await ledger.append(
        [run(A, 1), run(A, 0), run(A, 2), run(A, 4), run(A, 3), run(B, 0), tag(A), tag(B), tag(A)],
        at(0),
      );
      await ledger.append([run(A, 1), run(A, 0), run(A, 1)], at(1));
      const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.deepEqual(
        history.map(({ digest, pods, since, until }) => [digest, pods, since, until]),
        [
          [A, 1, iso(1), null],
          [A, 4, iso(0), iso(1)],
          [A, 1, iso(0), iso(0)],
        ],
      );
      const tags = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
      assert.deepEqual(
        tags.map(({ digest, until }) => [digest, until]),
        [
          [A, null],
          [B, iso(0)],
          [A, iso(0)],
        ],
      );
    });
  });

  test('runs of the same workload in two clusters, namespaces, images or types are apart', async () => {
    const ledger = await open();
    const differences = [{}, { cluster: 'test' }, { namespace: 'n' }, { image: 'x' }, { type: 'init' as const }];
    await closing([ledger], async () => {
      // In one batch, where only the key of the projection separates them.
      await ledger.append(
        differences.map((more) => run(A, 1, more)),
        at(0),
      );
      assert.equal((await ledger.open('prod')).length, 4);
      assert.equal((await ledger.open('test')).length, 1);
      await ledger.append([run(A, 0, { cluster: 'test' })], at(9));
      assert.deepEqual([(await ledger.open('prod')).length, (await ledger.open('test')).length], [4, 0]);
    });
  });

  test('more events than one statement takes', async () => {
    const ledger = await open();
    const many = Array.from({ length: 1700 }, (_, i) => run(A, 1, { container: `c${i}` }));
    await closing([ledger], async () => {
      await ledger.append(many, at(2));
      assert.equal((await ledger.open('prod')).length, 1700);
      await ledger.append(
        many.map((event) => ({ ...event, pods: 0 })),
        at(3),
      );
      assert.deepEqual(await ledger.open('prod'), []);
      assert.equal((await ledger.at(at(2))).length, 1700);
    });
  });

  test('a clock behind another one: nothing ends before it began, and nothing is lost', async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 1)], at(60));
    await ledger.append([tag(B), run(A, 0), run(B, 1)], at(0));
    await closing([ledger], async () => {
      const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.ok(history.every(({ since, until }) => until === null || until >= since));
      assert.deepEqual(
        (await ledger.open('prod')).map(({ digest }) => digest),
        [B],
      );
      const tags = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
      assert.deepEqual(
        tags.map(({ digest, since, until }) => [digest, since, until]),
        [
          [B, iso(60), null],
          [A, iso(60), iso(60)],
        ],
      );
    });
  });

  test('a tag event with an earlier time is history: it does not end the current interval', async () => {
    const ledger = await open();
    await ledger.append([tag(B)], at(100));
    await ledger.append([tag(A, { since: iso(0) }), tag(A, { since: iso(10), until: iso(90) })], at(110));
    await closing([ledger], async () => {
      const tags = await ledger.tagHistory('docker.io', 'library/nginx', '1.27');
      assert.deepEqual(
        tags.map(({ digest, since, until }) => [digest, since, until]),
        [
          [B, iso(100), null],
          [A, iso(10), iso(90)],
        ],
      );
    });
  });

  test('a finished pod is an interval of its own and leaves the open one alone', async () => {
    const ledger = await open();
    await ledger.append([run(A, 1)], at(50));
    await ledger.append([run(A, 1, { since: iso(10), until: iso(70) }), run(A, 1, { since: iso(40) })], at(80));
    await closing([ledger], async () => {
      const history = await ledger.runHistory({ namespace: 'shop', name: 'web' });
      assert.deepEqual(
        history.map(({ since, until }) => [since, until]),
        [
          [iso(40), null],
          [iso(10), iso(70)],
        ],
        'the open one began earlier than it was first seen',
      );
      assert.equal((await ledger.at(at(60))).length, 2);
    });
  });
}
