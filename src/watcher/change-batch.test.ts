// A task that follows changes: once for all that came together, never twice at once, and no more
// after the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/watcher-fixtures.ts';
import { ChangeBatch } from './change-batch.ts';

test('changes that come together are one run', async () => {
  let runs = 0;
  const batch = new ChangeBatch(async () => void runs++, 5);
  for (let i = 0; i < 10; i++) batch.schedule();
  await until('the run', () => runs === 1);
  batch.schedule();
  await until('the next run', () => runs === 2);
  await batch.stop();
});

test('a change during a run is another run, after it', async () => {
  const gate = Promise.withResolvers<void>();
  let [running, most, runs] = [0, 0, 0];
  const batch = new ChangeBatch(async () => {
    most = Math.max(most, ++running);
    if (runs++ === 0) await gate.promise;
    running--;
  }, 1);
  batch.schedule();
  await until('it runs', () => running === 1);
  batch.schedule();
  gate.resolve();
  await until('both have run', () => runs === 2);
  assert.equal(most, 1);
  await batch.stop();
});

test('the end waits for the running task, drops what is scheduled, and takes nothing new', async () => {
  const gate = Promise.withResolvers<void>();
  let [started, ended] = [0, 0];
  const batch = new ChangeBatch(async () => {
    started++;
    await gate.promise;
    ended++;
  }, 1);
  batch.schedule();
  await until('it runs', () => started === 1);
  batch.schedule();
  const stopped = batch.stop();
  gate.resolve();
  await stopped;
  batch.schedule();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([started, ended], [1, 1]);
});
