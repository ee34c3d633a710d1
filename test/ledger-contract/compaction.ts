// Contract: compaction removes what ended before the cut and keeps what counts, and the journal
// that is left still gives the tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  A,
  at,
  B,
  block,
  C,
  closing,
  closure,
  D,
  entriesOf,
  evidence,
  iso,
  type Open,
  replayed,
  rollback,
  run,
  START,
  tag,
} from './events.ts';
import { historyArbitrary, record } from './random-history.ts';
import { answersOf } from './tables.ts';

/** @param runs of each property: databases are opened for each */
export function compactionContract(open: Open, runs: number): void {
  test('property: after compactions at any dates a replay of the journal gives the tables that are left', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 45 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(historyArbitrary, historyArbitrary, cuts, async (history, later, seconds) => {
        const ledger = await open();
        const moments = [0, 10, 20, 30, 40, 60, 150, 205, 220, 250, 400].map(at);
        const check = async () => {
          const copy = await replayed(open, ledger);
          await closing([copy], async () => {
            assert.deepEqual(await answersOf(copy, moments), await answersOf(ledger, moments));
            assert.equal((await ledger.verify()).broken, undefined);
            assert.deepEqual(await copy.verify(), await ledger.verify());
          });
        };
        await closing([ledger], async () => {
          await record(ledger, history);
          for (const [i, second] of seconds.entries()) await ledger.compact(at(second), at(100 + i));
          await check();
          await record(ledger, later, 200);
          await check();
          await ledger.compact(at(200 + (seconds[0] as number)), at(300));
          await check();
        });
      }),
      { numRuns: runs, seed: 5 },
    );
  });

  test('property: compaction changes no answer about any moment after the cut', async () => {
    await fc.assert(
      fc.asyncProperty(historyArbitrary, fc.integer({ min: 1, max: 45 }), async (history, second) => {
        const [ledger, whole] = [await open(), await open()];
        await record(ledger, history);
        await record(whole, history);
        await ledger.compact(at(second), at(100));
        const after = Array.from({ length: 5 }, (_, i) => at(second + i * 3));
        await closing([ledger, whole], async () => {
          const [now, before] = await Promise.all([answersOf(ledger, after), answersOf(whole, after)]);
          const answers = ['at', 'openTags', 'holds', 'blocklist'] as const;
          type Answers = Record<(typeof answers)[number], unknown>;
          for (const answer of answers)
            if (answer !== 'openTags') assert.deepEqual((now as Answers)[answer], (before as Answers)[answer], answer);
          assert.deepEqual(
            (await ledger.openTags()).map((row) => [row.tag, row.digest, row.since]).sort(),
            (await whole.openTags()).map((row) => [row.tag, row.digest, row.since]).sort(),
          );
        });
      }),
      { numRuns: runs, seed: 6 },
    );
  });

  test('what ended before the cut goes', async () => {
    const ledger = await open();
    await ledger.append([tag(A), run(A, 2), evidence('allow', ['x']), closure(A), rollback()], at(0));
    await ledger.append([tag(B), run(A, 0), run(B, 1), evidence('deny'), rollback({ digest: B })], at(10));
    await closing([ledger], async () => {
      assert.equal(await ledger.compact(at(-10), at(100)), 0, 'nothing is that old');
      assert.equal((await ledger.base()).seq, 0);
      assert.equal(await ledger.compact(at(50), at(100)), 10);
      assert.deepEqual(
        (await ledger.tagHistory('docker.io', 'library/nginx')).map(({ digest }) => digest),
        [B],
      );
      assert.deepEqual(
        (await ledger.runHistory({ namespace: 'shop', name: 'web' })).map(({ digest }) => digest),
        [B],
      );
      assert.deepEqual(
        (await ledger.statements.evidence([A])).map(({ outcome }) => outcome),
        ['deny'],
      );
      assert.equal(await ledger.closure(A), undefined);
      assert.deepEqual(await ledger.images(A), []);
    });
  });

  test('what still counts stays: open runs with their actor, closures, holds, the blocklist, current evidence', async () => {
    const ledger = await open();
    await ledger.append(
      [run(C, 2, { actor: 'helm', revision: '7' }), closure(A, C), closure(B), closure(D), tag(D)],
      at(0),
    );
    await ledger.append([evidence('allow', ['ann']), rollback(), block([B])], at(1));
    await ledger.append([run(C, 3, { revision: '7' })], at(90));
    await ledger.compact(at(50), at(100));
    const copy = await replayed(open, ledger);
    for (const one of [ledger, copy])
      await closing([one], async () => {
        const [current] = await one.open('prod');
        assert.deepEqual(
          [current?.digest, current?.since, current?.actor, current?.revision, current?.pods],
          [C, iso(0), 'helm', '7', 3],
        );
        assert.equal((await one.closure(A))?.length, 2, 'a member of it runs');
        assert.equal((await one.images(C)).length, 1);
        assert.notEqual(await one.closure(D), undefined, 'a tag points to it');
        assert.equal(await one.closure(B), undefined);
        assert.deepEqual(
          (await one.statements.blocklist()).map(({ digest, since, by }) => [digest, since, by]),
          [[B, iso(1), 'ann']],
        );
        assert.deepEqual(
          (await one.statements.holds()).map(({ since }) => since),
          [iso(1)],
        );
        assert.deepEqual(
          (await one.statements.openEvidence()).map(({ since, signers }) => [since, signers]),
          [[iso(1), ['ann']]],
        );
        assert.equal((await one.at(at(60))).length, 1);
      });
  });

  test('an interval over the cut is told once, whatever changed in it afterwards', async () => {
    const ledger = await open();
    await ledger.append([run(A, 5, { actor: 'helm' })], at(0));
    await ledger.append([run(A, 2)], at(90));
    await ledger.append([run(A, 0)], at(95));
    await ledger.compact(at(50), at(100));
    const copies = [await replayed(open, ledger), await replayed(open, ledger, 1)];
    await closing([ledger, ...copies], async () => {
      for (const one of [ledger, ...copies])
        assert.deepEqual(
          (await one.runHistory({ namespace: 'shop', name: 'web' })).map((row) => [
            row.since,
            row.until,
            row.pods,
            row.actor,
          ]),
          [[iso(0), iso(95), 5, 'helm']],
        );
      for (const one of copies) assert.equal((await one.at(at(20))).length, 1, 'found by the tree of intervals too');
    });
  });

  test('a writer whose clock is ahead: no entry after the cut is removed', async () => {
    const ledger = await open();
    await ledger.append([run(A, 1)], at(0));
    await ledger.append([run(B, 1)], at(60));
    await ledger.append([run(C, 1)], at(40));
    await closing([ledger], async () => {
      assert.equal(await ledger.compact(at(50), at(100)), 1);
      const copy = await replayed(open, ledger);
      await closing([copy], async () =>
        assert.deepEqual((await copy.open('prod')).map(({ digest }) => digest).sort(), [A, B, C]),
      );
    });
  });

  test('an alarm that fires stays, however old; one that ended before the cut goes, and polls and messages stay', async () => {
    const ledger = await open();
    const alarm = (key: string) => ({
      key,
      code: 'unpinned',
      severity: 'warning' as const,
      subject: key,
      message: 'm',
      about: {},
    });
    const fire = (keys: string[], second: number) =>
      ledger.alarms.fire(keys.map(alarm), 'prod', () => [{ sink: 'ops', body: '' }], START + second * 1000);
    await closing([ledger], async () => {
      await ledger.append([tag(A)], at(0));
      await fire(['old', 'firing'], 0);
      await fire(['firing', 'late'], 10);
      await fire(['firing'], 60);
      await ledger.compact(at(50), at(100));
      assert.deepEqual((await ledger.alarms.list(false)).map(({ key }) => key).sort(), ['firing', 'late']);
      assert.deepEqual(
        (await ledger.alarms.list(true)).map(({ key }) => key),
        ['firing'],
      );
      assert.equal((await ledger.alarms.waiting())[0]?.count, 2);
    });
  });

  test('a closure read again after the cut stays, although nothing uses it', async () => {
    const ledger = await open();
    await ledger.append([closure(B), closure(D)], at(0));
    await ledger.append([closure(B)], at(60));
    await closing([ledger], async () => {
      await ledger.compact(at(50), at(100));
      assert.notEqual(await ledger.closure(B), undefined);
      assert.equal(await ledger.closure(D), undefined);
      const kinds = (await entriesOf(ledger)).map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
      assert.deepEqual(kinds, ['closure', 'compaction']);
    });
  });
}
