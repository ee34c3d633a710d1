// The repeated task and the string pool: small parts that everything else stands on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/watcher-fixtures.ts';
import { repeat } from './repeat.ts';
import { StringPool } from './string-pool.ts';

test('a task is repeated, never beside itself, and a failure is reported and ends nothing', async () => {
  let [running, most, runs] = [0, 0, 0];
  const failures: string[] = [];
  // Without a timer of its own the process could end: repeat never holds it up.
  const alive = setInterval(() => {}, 1000);
  const stop = repeat(
    async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (++runs === 2) throw new Error('once');
    },
    1,
    (problem) => failures.push(problem.message),
  );
  await until('five runs', () => runs >= 5);
  stop();
  clearInterval(alive);
  assert.equal(most, 1);
  assert.equal(failures.length, 1);
  assert.match(failures[0] ?? '', /once/);
});

test('a task that is running when it is stopped is the last', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const stop = repeat(
    async () => {
      runs++;
      await gate.promise;
    },
    1,
    assert.fail,
  );
  t.mock.timers.tick(1);
  assert.equal(runs, 1);
  stop();
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve)); // the task has ended
  t.mock.timers.tick(1000);
  assert.equal(runs, 1);
});

test('equal strings become one, and a full pool starts again', () => {
  const pool = new StringPool();
  const parts = ['registry.test/', 'web:1'];
  assert.equal(pool.intern(parts.join('')), pool.intern(parts.join('')));
  for (let i = 0; i < 250_000; i++) pool.intern(`${i}`);
  assert.equal(pool.intern('registry.test/web:1'), 'registry.test/web:1');
});
