// The tree of intervals: an interval that contains a moment is always under one of the nodes around
// it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeOf, nodesAround } from './interval.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const time = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });

test('property: the node of an interval is within it', () => {
  fc.assert(
    fc.property(time, fc.integer({ min: 0, max: 10 ** 11 }), (since, length) => {
      const node = nodeOf(iso(since), iso(since + length));
      assert.ok(node >= Math.floor(since / 1000) && node <= Math.floor((since + length) / 1000));
    }),
  );
});

test('property: an interval that contains a moment is found under the nodes around it', () => {
  fc.assert(
    fc.property(time, fc.nat(10 ** 10), fc.nat(10 ** 10), (moment, before, after) => {
      const since = Math.max(0, moment - before);
      const node = nodeOf(iso(since), iso(moment + after + 1));
      const around = nodesAround(iso(moment));
      assert.ok(around.before.includes(node) || around.after.includes(node));
    }),
  );
});

test('property: few nodes are around a moment, each on its side', () => {
  fc.assert(
    fc.property(time, (moment) => {
      const second = Math.floor(moment / 1000);
      const { before, after } = nodesAround(iso(moment));
      assert.ok(before.length + after.length <= 39);
      assert.equal(new Set([...before, ...after]).size, before.length + after.length);
      assert.ok(before.every((node) => node <= second) && after.every((node) => node > second));
    }),
  );
});

for (const [since, until, node] of [
  [0, 0, 0],
  [5, 5, 5],
  [5, 4, 5], // clocks differ
  [1, 2, 2],
  [5, 7, 6],
  [3, 9, 8],
  [512, 1023, 768],
  [1000, 1024, 1024],
] as const)
  test(`the node of seconds ${since} to ${until} is ${node}`, () =>
    assert.equal(nodeOf(iso(since * 1000), iso(until * 1000 + 999)), node));
