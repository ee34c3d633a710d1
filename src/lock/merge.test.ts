// Several runs that write one lock: nothing of either is lost, and what contradicts is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import type { Lock, LockEntry } from './lock.ts';
import { mergeLocks } from './merge.ts';

const entry = (letter: string, more: Partial<LockEntry> = {}): LockEntry => ({
  digest: `sha256:${letter.repeat(64)}`,
  firstSeen: '2026-01-02T00:00:00Z',
  source: 'registry',
  ...more,
});
const [A, B] = [entry('a'), entry('b')];
const hold = { hold: { reason: 'r', by: 'ann', at: '2026-01-03T00:00:00Z' } };
const early = { firstSeen: '2026-01-01T00:00:00Z' };

const CASES: [name: string, base: LockEntry[], ours: LockEntry[], now: LockEntry[], merged: LockEntry[] | RegExp][] = [
  ['only this run', [], [A], [], [A]],
  ['only the other run', [], [], [A], [A]],
  ['the other run updated, this one did not touch it', [A], [A], [B], [B]],
  ['this run updated', [A], [B], [A], [B]],
  ['both learned the same digest: the earlier sight counts', [], [A], [entry('a', early)], [entry('a', early)]],
  ['both learned the same digest, this run earlier', [], [entry('a', early)], [A], [entry('a', early)]],
  ['the other run holds it meanwhile', [], [A], [entry('a', hold)], [entry('a', hold)]],
  ['the other run learned another digest', [], [A], [B], /another run changed x:1 meanwhile/],
  ['the other run updated to a third digest', [A], [B], [entry('c')], /another run changed x:1/],
  ['P27: this run removed what nobody uses', [A], [], [A], []],
  ['P27: this run removed what the other run updated meanwhile', [A], [], [B], [B]],
  ['P27: both removed it', [A], [], [], []],
  [
    'P34: this run wrote in one place, the other in another',
    [],
    [entry('a', { wrote: ['a'] })],
    [entry('a', { wrote: ['b'] })],
    [entry('a', { wrote: ['a', 'b'] })],
  ],
  ['the other run deleted what this one updated', [A], [B], [], /another run changed x:1/],
];
for (const [name, base, ours, now, expected] of CASES)
  test(name, () => {
    const lockOf = ([item]: LockEntry[]): Lock => new Map(item === undefined ? [] : [['x:1', item]]);
    const merge = () => mergeLocks(lockOf(base), lockOf(ours), lockOf(now), 'tagproof.lock');
    if (expected instanceof RegExp)
      assert.throws(
        merge,
        (error) => error instanceof Problem && error.code === 'changed' && expected.test(error.message),
      );
    else assert.deepEqual([...merge().values()], expected);
  });

test('runs that touch different images never disturb each other, in whatever order they write', () => {
  const keys = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 6 });
  fc.assert(
    fc.property(keys, keys, keys, (base, one, two) => {
      const lockOf = (...lists: string[][]): Lock => new Map(lists.flat().map((key) => [key, A]));
      const mine = one.filter((key) => !two.includes(key));
      const first = mergeLocks(lockOf(base), lockOf(base, mine), lockOf(base), 'f');
      const both = mergeLocks(lockOf(base), lockOf(base, two), first, 'f');
      assert.deepEqual([...both.keys()].sort(), [...new Set([...base, ...mine, ...two])].sort());
    }),
  );
});
