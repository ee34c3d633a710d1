// The ledger in Debian's PostgreSQL: the same contract as in a file, and several writers at once.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { ledgerContract } from '../ledger.ts';
import { knowledgeContract } from '../ledger-knowledge.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { scratch, suite } from './suite.ts';

suite('the ledger in PostgreSQL', ['initdb', 'postgres'], () => {
  const folder = scratch();
  let postgres: Postgres;
  let count = 0;
  const names = new WeakMap<Ledger, string>();
  const url = (name: string) => postgres.url(name);

  before(async () => {
    postgres = await startPostgres(folder);
  });

  async function open(): Promise<Ledger> {
    const name = `ledger_${count++}`;
    await postgres.query('postgres', `create database ${name}`);
    const ledger = await openLedger(url(name));
    names.set(ledger, name);
    return ledger;
  }

  knowledgeContract(open);
  ledgerContract(open, (ledger, statement) => postgres.query(names.get(ledger) as string, statement));

  test('the server is gone in the middle of writing, three times: what was acknowledged is there when it is back', async () => {
    const ledger = await open();
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      let going = true;
      const writers = Array.from({ length: 6 }, async (_, k) => {
        while (going) {
          try {
            const entries = await ledger.append([
              { kind: 'tag', registry: 'r', repository: 'x', tag: `t${k}`, digest: null, source: 'poll' },
            ]);
            acknowledged = Math.max(acknowledged, entries[0]?.seq ?? 0);
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await postgres.kill();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await postgres.start();
      await new Promise((resolve) => setTimeout(resolve, 300));
      going = false;
      await Promise.all(writers);
      const { count: kept, broken } = await ledger.verify();
      assert.equal(broken, undefined);
      assert.ok(kept >= acknowledged && acknowledged > 0, `${acknowledged} were acknowledged, ${kept} are there`);
    }
    await ledger.close();
  });

  test('several writers: one chain, no forks, nothing lost', async () => {
    const first = await open();
    const others = await Promise.all([1, 2, 3].map(() => openLedger(url(names.get(first) as string))));
    const writers = [first, ...others];
    await Promise.all(
      writers.flatMap((ledger, w) =>
        Array.from({ length: 25 }, (_, i) =>
          ledger.append([
            {
              kind: 'tag',
              registry: 'r',
              repository: 'x',
              tag: `t${w}-${i}`,
              digest: `sha256:${'a'.repeat(64)}`,
              source: 'poll',
            },
          ]),
        ),
      ),
    );
    assert.deepEqual(await first.verify().then(({ count: all, broken }) => [all, broken]), [100, undefined]);
    await Promise.all(writers.map((ledger) => ledger.close()));
  });

  test('a password is never told', async () => {
    await assert.rejects(openLedger('postgres://user:secret@127.0.0.1:1/x'), (error) => !/secret/.test(String(error)));
  });
});
