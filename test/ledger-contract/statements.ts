// Contract: evidence, holds and the blocklist.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, at, B, block, C, closing, evidence, iso, type Open, release, rollback } from './events.ts';

export function statementsContract(open: Open): void {
  test('evidence is current until it changes, for each source', async () => {
    const ledger = await open();
    const { statements } = ledger;
    await ledger.append([evidence('allow', ['release: ann'])], at(0));
    await ledger.append([evidence('allow', ['release: ann'], { source: 'admission' })], at(30));
    await ledger.append([evidence('deny')], at(60));
    await closing([ledger], async () => {
      const all = (await statements.evidence([A])).map(({ outcome, source, signers, until }) => [
        outcome,
        source,
        signers,
        until,
      ]);
      assert.deepEqual(all, [
        ['deny', 'watcher', [], null],
        ['allow', 'admission', ['release: ann'], null],
        ['allow', 'watcher', ['release: ann'], iso(60)],
      ]);
      assert.equal((await statements.evidence([A], true)).length, 2);
      assert.deepEqual(await statements.evidence([]), []);
      assert.deepEqual(
        (await statements.openEvidence()).map(({ outcome }) => outcome),
        ['deny'],
        'the watcher’s own evidence only',
      );
    });
  });

  test('evidence with an earlier time does not end the current one', async () => {
    const ledger = await open();
    await ledger.append([evidence('deny')], at(60));
    await ledger.append([evidence('allow', ['ann'], { since: iso(0) })], at(90));
    await closing([ledger], async () =>
      assert.deepEqual(
        (await ledger.statements.evidence([A])).map(({ outcome, until }) => [outcome, until]),
        [['deny', null]],
      ),
    );
  });

  test('a hold lasts until it is replaced or released, in its own cluster', async () => {
    const ledger = await open();
    const holds = async () =>
      (await ledger.statements.holds())
        .map(({ cluster, container, digest }) => `${cluster} ${container} ${digest === B ? 'B' : 'A'}`)
        .sort();
    await closing([ledger], async () => {
      await ledger.append([rollback(), rollback({ container: 'd' }), rollback({ cluster: 'other' })], at(60));
      await ledger.append([rollback({ digest: B })], at(120));
      assert.deepEqual(await holds(), ['other c A', 'prod c B', 'prod d A']);
      await ledger.append([release('third')], at(130));
      assert.equal((await holds()).length, 3, 'a release concerns its cluster only');
      await ledger.append([release('prod')], at(140));
      assert.deepEqual(await holds(), ['other c A']);
      await ledger.append([rollback({ cluster: null, digest: B })], at(150));
      assert.deepEqual(await holds(), ['null c B'], 'a rollback in files concerns every cluster');
      await ledger.append([release('prod')], at(160));
      assert.deepEqual(await holds(), [], 'a release in one cluster ends a hold that names none');
    });
  });

  test('a blocked digest stays blocked, with the first reason and its date', async () => {
    const ledger = await open();
    await ledger.append([block([B, C])], at(150));
    await ledger.append([block([B], 'again', 'bob'), block([])], at(160));
    await closing([ledger], async () =>
      assert.deepEqual(
        (await ledger.statements.blocklist())
          .map(({ digest, reason, by, since }) => [digest, reason, by, since])
          .sort(),
        [
          [B, 'evil', 'ann', iso(150)],
          [C, 'evil', 'ann', iso(150)],
        ],
      ),
    );
  });
}
