// Tag leases: one digest for a rollout, an old digest only while the registry does not answer, bounded memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reference, Resolution } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { Leases } from './leases.ts';

const reference = (tag = '1') => parseReference(`r.io/x:${tag}`) as Reference;
const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const answer = (n: number): Resolution => ({ reference: reference(), digest: digest(n), from: 'registry', at: '' });

/** A registry whose answer the test sets. */
function registry(first: Resolution) {
  const state = { answer: first, requests: 0 };
  const leases = new Leases(
    async () => {
      state.requests++;
      if (state.answer instanceof Problem) throw state.answer;
      return state.answer;
    },
    30_000,
    100_000,
    3,
  );
  const digestAt = async (now: number, tag?: string) => {
    const result = await leases.digestOf(reference(tag), now);
    return result instanceof Problem ? result.code : result.digest;
  };
  return { state, leases, digestAt };
}

test('T1: within its life a lease keeps the digest without a request; afterwards the registry is asked', async () => {
  const { state, digestAt } = registry(answer(1));
  assert.equal(await digestAt(0), digest(1));
  state.answer = answer(2);
  assert.equal(await digestAt(29_999), digest(1));
  assert.equal(state.requests, 1);
  assert.equal(await digestAt(30_000), digest(2));
  assert.equal(state.requests, 2);
});

test('T42: concurrent callers share one request, and a failure as well', async () => {
  const { state, leases } = registry(answer(1));
  await Promise.all(Array.from({ length: 100 }, () => leases.digestOf(reference(), 0)));
  assert.equal(state.requests, 1);
  state.answer = new Problem('unreachable', 'down');
  await Promise.all(Array.from({ length: 100 }, () => leases.digestOf(reference('2'), 0)));
  assert.equal(state.requests, 2);
  state.answer = answer(2);
  assert.equal((await leases.digestOf(reference('2'), 1)) instanceof Problem, false, 'a failure is not cached');
});

const unanswered: [code: ProblemCode, old: boolean][] = [
  ['unreachable', true],
  ['rate-limited', true],
  ['not-found', false],
  ['denied', false],
  ['credentials', false],
  ['protocol', false],
  ['limit', false],
];
for (const [code, old] of unanswered)
  test(`T22: after '${code}' ${old ? 'the old digest stays for a while' : 'the old digest is not used'}`, async () => {
    const { state, digestAt } = registry(answer(1));
    await digestAt(0);
    state.answer = new Problem(code, 'x');
    assert.equal(await digestAt(30_000), old ? digest(1) : code);
    assert.equal(await digestAt(99_999), old ? digest(1) : code);
    assert.equal(await digestAt(100_000), code, 'but not for ever');
  });

test('T22: a registry that fails from the first request on gives no digest', async () => {
  const { digestAt } = registry(new Problem('unreachable', 'down'));
  assert.equal(await digestAt(0), 'unreachable');
});

test('T42: leases are bounded; the oldest one is evicted', async () => {
  const { state, digestAt } = registry(answer(1));
  for (const tag of ['a', 'b', 'c', 'd']) await digestAt(0, tag); // three fit: d evicts a
  for (const tag of ['b', 'c', 'd']) await digestAt(1, tag);
  assert.equal(state.requests, 4);
  await digestAt(1, 'a');
  assert.equal(state.requests, 5, 'it was evicted before it expired');
});

test('two spellings of one tag share a lease; two tags do not', async () => {
  const { state, leases } = registry(answer(1));
  await leases.digestOf(parseReference('nginx:1') as Reference, 0);
  await leases.digestOf(parseReference('docker.io/library/nginx:1') as Reference, 0);
  assert.equal(state.requests, 1);
  await leases.digestOf(parseReference('nginx:2') as Reference, 0);
  assert.equal(state.requests, 2);
});

test('T7: whatever a tag does, leftAt is set exactly for the last eight digests that it left', async () => {
  const moves = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40, size: 'max' });
  await fc.assert(
    fc.asyncProperty(moves, async (digests) => {
      const { state, leases } = registry(answer(1));
      let left: number[] = []; // by their latest departure
      for (const [step, n] of digests.entries()) {
        state.answer = answer(n);
        const before = digests[step - 1];
        if (before !== undefined && before !== n) left = [...left.filter((item) => item !== before), before].slice(-8);
        const result = (await leases.digestOf(reference(), step * 30_000)) as { leftAt?: string };
        assert.equal(result.leftAt !== undefined, left.includes(n), `step ${step} of ${digests}`);
      }
    }),
    { numRuns: 200 },
  );
});
