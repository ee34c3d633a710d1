// The ledger in Debian's PostgreSQL: the same contract as in SQLite, several writers, and a server
// that goes away.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { TagEvent } from '../../src/ledger/event.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { ledgerContract } from '../ledger-contract/contract.ts';
import { closing, digestOf } from '../ledger-contract/events.ts';
import { until } from '../until.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { scratch, suite } from './suite.ts';

const tagEvent = (tag: string): TagEvent => ({
  kind: 'tag',
  registry: 'r',
  repository: 'x',
  tag,
  digest: digestOf('a'),
  source: 'poll',
});

suite('the ledger in PostgreSQL', ['initdb', 'postgres'], () => {
  const folder = scratch();
  let postgres: Postgres;
  let count = 0;
  const names = new WeakMap<Ledger, string>();

  before(async () => {
    postgres = await startPostgres(folder);
  });

  async function open(): Promise<Ledger> {
    const name = `ledger_${count++}`;
    await postgres.query('postgres', `create database ${name}`);
    const ledger = await openLedger(postgres.url(name));
    names.set(ledger, name);
    return ledger;
  }

  ledgerContract(open, (ledger, statement) => postgres.query(names.get(ledger) as string, statement), 4);

  test('the server is killed while writers append, three times: acknowledged entries are there when it is back', async () => {
    const ledger = await open();
    let acknowledged = 0;
    let running = true;
    const writers = Array.from({ length: 6 }, async (_, k) => {
      while (running) {
        try {
          const entries = await ledger.append([tagEvent(`t${k}`)]);
          acknowledged = Math.max(acknowledged, entries[0]?.seq ?? 0);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'unreachable', String(error));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    });
    /** Writers have appended so many more, or one of them failed. */
    const appended = async (more: number) => {
      const goal = acknowledged + more;
      const done = until(
        () => acknowledged >= goal,
        () => `${acknowledged} entries were acknowledged, expected ${goal}`,
        60_000,
      );
      done.catch(() => {}); // a writer that fails ends the race first
      await Promise.race([done, Promise.all(writers)]);
    };
    await closing([ledger], async () => {
      try {
        for (let round = 0; round < 3; round++) {
          await appended(20);
          await postgres.kill();
          await postgres.start();
          await appended(1);
        }
      } finally {
        running = false;
      }
      await Promise.all(writers);
      const { count: kept, broken } = await ledger.verify();
      assert.equal(broken, undefined);
      assert.ok(kept >= acknowledged && acknowledged > 60, `${acknowledged} were acknowledged, ${kept} are there`);
    });
  });

  test('a server that starts is waited for: a ledger opens as soon as it accepts connections', async () => {
    await (await open()).close();
    await postgres.kill();
    const restarted = postgres.start();
    // Until something listens the connection is refused, which is an outage and no crash.
    const opens = async () => {
      try {
        await (await openLedger(postgres.url(`ledger_${count - 1}`))).close();
        return true;
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'unreachable', String(error));
        return false;
      }
    };
    await until(opens, 'the server never accepted a connection', 60_000);
    await restarted;
  });

  test('several writers: one chain, no forks, nothing lost', async () => {
    const first = await open();
    const others = await Promise.all([1, 2, 3].map(() => openLedger(postgres.url(names.get(first) as string))));
    const writers = [first, ...others];
    await closing(writers, async () => {
      await Promise.all(
        writers.flatMap((ledger, w) => Array.from({ length: 25 }, (_, i) => ledger.append([tagEvent(`t${w}-${i}`)]))),
      );
      assert.deepEqual(await first.verify().then(({ count: all, broken }) => [all, broken]), [100, undefined]);
    });
  });

  test('a ledger is named by its address, without user and password', async () => {
    const ledger = await open();
    await closing([ledger], async () =>
      assert.match(await ledger.describe(), /^postgres:\/\/127\.0\.0\.1:\d+\/ledger_/),
    );
  });
});
