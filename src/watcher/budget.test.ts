// The budget of requests: no burst, no starvation of other registries, and half of an announced
// limit for the nodes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RateLimit } from '../registry/throttle.ts';
import { Budget } from './budget.ts';

/** Polls that are allowed when one is tried every 50 ms. */
function spend(budget: Budget, registry: string, from: number, seconds: number): number {
  let count = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 50) if (budget.take({ registry, repository: 'x' }, from + ms)) count++;
  return count;
}

test('six requests a second, and an idle hour is no licence for a burst', () => {
  const budget = new Budget(() => undefined);
  assert.ok(spend(budget, 'a.io', 0, 10) <= 66, 'one second’s worth at first, then six a second');
  assert.ok(spend(budget, 'a.io', 3_600_000, 1) <= 12);
});

test('six requests a second over all registries together', () => {
  const budget = new Budget(() => undefined);
  let count = 0;
  for (let ms = 0; ms < 10_000; ms += 50)
    for (const registry of ['a.io', 'b.io', 'c.io']) if (budget.take({ registry, repository: 'x' }, ms)) count++;
  assert.ok(count <= 66, `${count}`);
  assert.ok(count >= 60, `${count}`);
});

test('half of an announced limit is left to the nodes', () => {
  const limits = new Map<string, RateLimit>();
  const budget = new Budget((registry) => limits.get(registry));
  const announce = (remaining: number) => limits.set('docker.io', { limit: 100, remaining, windowSeconds: 21_600 });
  const target = { registry: 'docker.io', repository: 'x' };
  announce(60);
  assert.equal(budget.pull(target, 4_000_000), true);
  announce(50);
  assert.equal(budget.pull(target, 4_000_000), false, 'what counts as a pull stops at half');
  const polls = spend(budget, 'docker.io', 4_000_000, 3600);
  assert.ok(polls <= 14, `polls go on, spread over the window: ${polls}`);
  assert.ok(polls > 0, 'but they go on');
  announce(0);
  assert.equal(spend(budget, 'docker.io', 8_000_000, 60), 0, 'nothing while nothing is left');
  const shown = budget.show(8_000_000).find(({ registry }) => registry === 'docker.io');
  assert.equal(shown?.restsUntil, 8_000_000 + 5_400_000, 'a quarter of the window');
  assert.ok(spend(budget, 'a.io', 8_000_000, 10) >= 60, 'other registries go on');
  announce(100);
  assert.equal(budget.take(target, 8_000_000 + 5_399_999), false, 'it rests to the end');
  assert.equal(budget.take(target, 8_000_000 + 5_400_001), true);
});

test('a limit without a maximum is never short, and one without a window has an hour', () => {
  let limit: RateLimit = { limit: undefined, remaining: 5, windowSeconds: undefined };
  const budget = new Budget(() => limit);
  const target = { registry: 'r.io', repository: 'x' };
  assert.equal(budget.pull(target, 0), false, 'what remains of an unknown limit is taken for half');
  limit = { limit: 10, remaining: 5, windowSeconds: undefined };
  budget.take(target, 0);
  assert.equal(budget.show(0)[0]?.perSecond, 5 / 3600);
});

test('registries count requests by user, and so does the budget', () => {
  const budget = new Budget(
    () => undefined,
    ({ repository }) => (repository === 'ours' ? 'robot' : 'anonymous'),
  );
  for (const repository of ['ours', 'theirs']) budget.take({ registry: 'r.io', repository }, 0);
  assert.deepEqual(
    budget.show(0).map(({ credential, asked }) => [credential, asked]),
    [
      ['robot', 1],
      ['anonymous', 1],
    ],
  );
});

test('the requests of the last hour are counted, older ones are not', () => {
  const budget = new Budget(() => undefined);
  const target = { registry: 'r.io', repository: 'x' };
  const minute = 60_000;
  for (const at of [0, 30 * minute, 59 * minute]) budget.take(target, at);
  const asked = (at: number) => budget.show(at)[0]?.asked;
  assert.deepEqual([asked(59 * minute), asked(61 * minute), asked(3 * 60 * minute)], [3, 2, 0]);
});
