// Which database errors are an outage, and how a ledger waits for a server that starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PostgresPool } from 'kysely';
import { Problem } from '../problem.ts';
import { explainOutage, isOutage, isStarting } from './outage.ts';
import { waitingPool } from './postgres.ts';

const failure = (code: string, message = 'x') => Object.assign(new Error(message), { code });

for (const [what, error, outage] of [
  ['the server starts', failure('57P03', 'the database system is not yet accepting connections'), true],
  ['the server stops', failure('57P01'), true],
  ['the server crashed', failure('57P02'), true],
  ['no connection is free', failure('53300'), true],
  ['the connection failed', failure('08006'), true],
  ['nobody listens', failure('ECONNREFUSED'), true],
  ['nobody listens on any address', Object.assign(new AggregateError([failure('ECONNREFUSED')]), {}), true],
  ['the name does not resolve', failure('EAI_AGAIN'), true],
  ['the connection broke', new Error('Connection terminated unexpectedly'), true],
  ['no answer in time', new Error('timeout exceeded when trying to connect'), true],
  ['a wrong password', failure('28P01'), false],
  ['no such database', failure('3D000'), false],
  ['a full disk', failure('53100'), false],
  ['a conflict', failure('23505'), false],
  ['a broken statement', failure('42601'), false],
  ['an error of ours', new TypeError('x is not a function'), false],
  ['nothing', undefined, false],
] as const)
  test(`${what}: ${outage ? 'an outage' : 'no outage'}`, () => {
    assert.equal(isOutage(error), outage);
    const explained = explainOutage(error, 'db.test/x');
    if (!outage) assert.equal(explained, error);
    else assert.ok(explained instanceof Problem && explained.code === 'unreachable');
  });

test('an outage names the database and the reason', () => {
  const problem = explainOutage(failure('57P03', 'the database system is starting up'), 'postgres://db.test/x');
  assert.equal(
    String(problem),
    'postgres://db.test/x: the database does not answer: the database system is starting up',
  );
});

/** A pool whose first connections fail. */
function failingPool(failures: readonly Error[]): PostgresPool & { attempts: number } {
  const pool = {
    attempts: 0,
    options: {},
    connect: async () => {
      const error = failures[pool.attempts++];
      if (error !== undefined) throw error;
      return { query: async () => ({ rows: [] }), release: () => {} } as never;
    },
    end: async () => {},
  };
  return pool;
}

test('a server that starts is waited for', async () => {
  const pool = failingPool([failure('57P03'), failure('57P03')]);
  await waitingPool(pool, 'x').connect();
  assert.equal(pool.attempts, 3);
  assert.ok(isStarting(failure('57P03')) && !isStarting(failure('57P01')));
});

test('a server that does not start in time is unreachable', async () => {
  const pool = failingPool(Array.from({ length: 9 }, () => failure('57P03')));
  await assert.rejects(waitingPool(pool, 'x', 0).connect(), { code: 'unreachable' });
  assert.equal(pool.attempts, 1);
});

test('any other failure is reported at once', async () => {
  const [gone, refused] = [failingPool([failure('ECONNREFUSED')]), failingPool([failure('28P01')])];
  await assert.rejects(waitingPool(gone, 'x').connect(), { code: 'unreachable' });
  await assert.rejects(waitingPool(refused, 'x').connect(), { code: '28P01' });
  assert.deepEqual([gone.attempts, refused.attempts], [1, 1]);
});
