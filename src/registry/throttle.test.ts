// Concurrency, pauses and announced limits of one host.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter, Throttle } from './throttle.ts';

test('never more than the limit at once, in the order of arrival, and each slot is freed', async () => {
  const throttle = new Throttle(3);
  const order: number[] = [];
  let active = 0;
  let most = 0;
  const tasks = Array.from({ length: 20 }, (_, n) =>
    throttle.run(async () => {
      order.push(n);
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
      if (n % 4 === 0) throw new Error(`task ${n}`);
      return n;
    }),
  );
  const outcomes = await Promise.allSettled(tasks);
  assert.equal(most, 3);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 5);
  assert.equal(await throttle.run(async () => 'free again'), 'free again');
});

test('a pause lasts, and a shorter one does not end it', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const throttle = new Throttle(1);
  assert.equal(throttle.pauseLeft, 0);
  throttle.pause(1000);
  throttle.pause(10);
  assert.equal(throttle.pauseLeft, 1000);
  t.mock.timers.tick(400);
  assert.equal(throttle.pauseLeft, 600);
  t.mock.timers.tick(1000);
  assert.equal(throttle.pauseLeft, 0);
});

test('rate limits as registries announce them', () => {
  const noted = (headers: Record<string, string | string[]>) => {
    const throttle = new Throttle(1);
    throttle.note(headers);
    return throttle.rateLimit;
  };
  assert.deepEqual(noted({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }), {
    limit: 100,
    remaining: 76,
    windowSeconds: 21600,
  });
  assert.deepEqual(noted({ 'ratelimit-limit': '100;w=60', 'ratelimit-remaining': '0' }), {
    limit: 100,
    remaining: 0,
    windowSeconds: 60,
  });
  assert.deepEqual(noted({ 'ratelimit-remaining': '5' }), { limit: undefined, remaining: 5, windowSeconds: undefined });
  for (const headers of [
    {},
    { 'ratelimit-limit': '100' },
    { 'ratelimit-remaining': 'many' },
    { 'ratelimit-remaining': '-1' },
  ])
    assert.equal(noted(headers as Record<string, string>), undefined, JSON.stringify(headers));
});

test('an answer without the headers keeps what was announced before', () => {
  const throttle = new Throttle(1);
  throttle.note({ 'ratelimit-remaining': '5' });
  throttle.note({});
  assert.equal(throttle.rateLimit?.remaining, 5);
});

test('Retry-After: seconds, dates, and what is neither', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const cases: [header: string | string[] | undefined, milliseconds: number | undefined][] = [
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 0],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-5s', undefined],
    ['', undefined],
    [['1', '2'], undefined],
    [undefined, undefined],
  ];
  for (const [header, milliseconds] of cases) assert.equal(retryAfter(header, now), milliseconds, String(header));
});
