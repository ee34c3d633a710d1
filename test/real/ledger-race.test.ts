// Two watchers do the same at the same moment. A lock of the test stops the first one inside its transaction until the second one has
// begun, so the race is met every time, and not by chance.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import pg from 'pg';
import type { Alarm } from '../../src/ledger/alarms.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { digestOf } from '../ledger-contract/events.ts';
import { until } from '../until.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { atEnd, scratch, suite } from './suite.ts';

const ALARM: Alarm = {
  key: 'tag-moved web',
  code: 'tag-moved',
  severity: 'critical',
  subject: 'web:v1',
  message: 'it moved',
  about: {},
};

const MOVE = { kind: 'tag', registry: 'r', repository: 'x', tag: 't', digest: digestOf('a'), source: 'poll' } as const;

suite('watchers that share a ledger in PostgreSQL', ['initdb', 'postgres'], () => {
  const folder = scratch();
  let postgres: Postgres;
  before(async () => {
    postgres = await startPostgres(folder);
  });

  let count = 0;
  /**
   * Two watchers do the same while a table can be read and not written: the first one stops in its transaction after
   * what it has read, and the second one begins. Then both go on.
   */
  async function race<T>(
    table: string,
    act: (ledger: Ledger) => Promise<T>,
  ): Promise<{ results: T[]; ledger: Ledger }> {
    const name = `race_${count++}`;
    await postgres.query('postgres', `create database ${name}`);
    const [ledger, other] = [await openLedger(postgres.url(name)), await openLedger(postgres.url(name))];
    atEnd(() => Promise.all([ledger.close(), other.close()]));
    await ledger.append([MOVE]); // a first entry is written otherwise than all others
    const barrier = new pg.Client({ connectionString: postgres.url(name) });
    await barrier.connect();
    const waiting = async () => {
      const { rows } = await barrier.query(
        "select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return rows[0].count as number;
    };
    try {
      await barrier.query(`begin; lock table ${table} in share mode`);
      const first = act(ledger);
      await until(async () => (await waiting()) === 1, `the first watcher does not come to ${table}`);
      const second = act(other);
      await until(async () => (await waiting()) === 2, 'the second watcher waits for nothing');
      await barrier.query('commit');
      return { results: [await first, await second], ledger };
    } finally {
      await barrier.end();
    }
  }

  for (const [what, scope] of [
    ['one that goes on', 'prod'],
    ['a single occurrence', undefined],
  ] as const)
    test(`the same alarm is announced by one of two watchers: ${what}`, async () => {
      const { results, ledger } = await race('delivery', ({ alarms }) =>
        alarms.fire([ALARM], scope, () => [{ sink: 'ops', body: 'it moved' }]),
      );
      assert.deepEqual(results, [[ALARM], []]);
      assert.deepEqual(await ledger.alarms.waiting(), [{ sink: 'ops', count: 1, failure: null }]);
    });

  test('entries of two writers make one chain', async () => {
    const { results, ledger } = await race('event', (writer) => writer.append([MOVE]));
    assert.deepEqual(
      results.map((entries) => entries.map(({ seq }) => seq)),
      [[2], [3]],
    );
    const { count: entries, broken } = await ledger.verify();
    assert.deepEqual({ entries, broken }, { entries: 3, broken: undefined });
  });
});
