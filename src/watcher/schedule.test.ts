// When a tag is polled next. The bounds are promises to registries and to users, so they are
// properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstOf, intervalOf, LONGEST_MS, retryOf, SHORTEST_MS } from './schedule.ts';

const HOUR = 3_600_000;
const jitter = fc.double({ min: 0, max: 1, noNaN: true });
const rest = fc.integer({ min: 0, max: 5000 * 24 * HOUR });

test('the interval follows from how long the tag did not move', () => {
  assert.equal(intervalOf(0, false, 0.5), HOUR, 'a new tag hourly');
  assert.equal(intervalOf(0, true, 0.5), SHORTEST_MS, 'one that just moved, soon');
  assert.equal(intervalOf(24 * HOUR, true, 0.5), HOUR);
  assert.equal(intervalOf(48 * HOUR, false, 0.5), 2 * HOUR);
  assert.equal(intervalOf(400 * 24 * HOUR, true, 0.5), LONGEST_MS);
});

test('never below five minutes and never above a day, but for the spread; and it never falls with more rest', () => {
  fc.assert(
    fc.property(rest, rest, fc.boolean(), jitter, (a, b, moved, spread) => {
      const [shorter, longer] = [Math.min(a, b), Math.max(a, b)];
      const interval = intervalOf(shorter, moved, spread);
      assert.ok(interval >= SHORTEST_MS * 0.9 && interval <= LONGEST_MS * 1.1);
      assert.ok(interval <= intervalOf(longer, moved, spread));
    }),
  );
});

test('each failure doubles the pause, up to a day', () => {
  assert.equal(retryOf(1, 0.5), 2 * SHORTEST_MS);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), jitter, (failures, spread) => {
      assert.ok(retryOf(failures, spread) <= LONGEST_MS * 1.1);
      assert.ok(retryOf(failures, spread) <= retryOf(failures + 1, spread));
    }),
  );
});

test('twenty thousand new tags are no burst, and ten are polled within seconds', () => {
  const first = Array.from({ length: 20_000 }, (_, i) => firstOf(i, 20_000, 0));
  const perSecond = Map.groupBy(first, (due) => Math.floor(due / 1000));
  assert.ok(Math.max(...[...perSecond.values()].map((list) => list.length)) <= 16);
  assert.ok(first.every((due) => due < HOUR));
  assert.ok(Array.from({ length: 10 }, (_, i) => firstOf(i, 10, 0)).every((due) => due < 1000));
});
