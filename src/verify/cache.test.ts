import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../flow.ts';
import { Problem } from '../problem.ts';
import { VerdictCache } from './cache.ts';
import type { GatheredVerdicts } from './verify.ts';

const gathered = (verdict: Verdict): GatheredVerdicts => ({
  verdicts: new Map([['a', verdict]]),
  attestations: { verified: [], problems: new Map() },
});
const good = gathered({ kind: 'verified', by: 'x', layout: 'bundle', times: [], annotations: {} });
const down = gathered({ kind: 'unchecked', problem: new Problem('unreachable', 'down') });
const unsigned = gathered({ kind: 'unsigned' });
const MINUTE = 60_000;

test('concurrent requests share one flight', async () => {
  const cache = new VerdictCache();
  let asked = 0;
  const gather = async () => (asked++, good);
  await Promise.all(Array.from({ length: 500 }, () => cache.get('k', gather)));
  await cache.get('k', gather);
  assert.equal(asked, 1);
});

const runs: [name: string, then: GatheredVerdicts, atMinutes: number, kind: Verdict['kind']][] = [
  ['fresh: no request', unsigned, 5, 'verified'],
  ['old, and a good answer', good, 20, 'verified'],
  ['old, and the signature is gone', unsigned, 20, 'unsigned'],
  ['old, and the registry is down: the cached verdict is used', down, 20, 'verified'],
  ['older than a day, and the registry is down', down, 25 * 60, 'unchecked'],
];
for (const [name, then, minutes, kind] of runs) {
  test(`a cached verdict: ${name}`, async () => {
    const cache = new VerdictCache();
    await cache.get('k', async () => good, 0);
    assert.equal((await cache.get('k', async () => then, minutes * MINUTE)).verdicts.get('a')?.kind, kind);
  });
}

test('what is not verified is not cached; the cache does not outgrow its bound', async () => {
  const cache = new VerdictCache(2);
  let asked = 0;
  for (let i = 0; i < 3; i++) await cache.get('k', async () => (asked++, unsigned));
  assert.equal(asked, 3);
  for (let i = 0; i < 10; i++) await cache.get(`k${i}`, async () => good);
  assert.equal(cache.size, 2);
});

test('an exception is not a verdict, and does not undo one', async () => {
  const cache = new VerdictCache();
  const fail = () => Promise.reject(new Error('down'));
  await assert.rejects(cache.get('k', fail));
  await cache.get('k', async () => good, 0);
  assert.equal(await cache.get('k', fail, 20 * MINUTE), good);
});

test('a cached verdict is used for a day in all, however often it is read while the registry is down', async () => {
  const cache = new VerdictCache();
  await cache.get('k', async () => good, 0);
  const at = async (minutes: number, answer: () => Promise<GatheredVerdicts>) =>
    (await cache.get('k', answer, minutes * MINUTE)).verdicts.get('a')?.kind;
  for (let hour = 1; hour < 24; hour++) assert.equal(await at(hour * 60, async () => down), 'verified', `${hour}`);
  assert.equal(await at(24 * 60, async () => down), 'unchecked', 'the day is over');
  assert.equal(cache.size, 0);
  assert.equal(await at(24 * 60 + 1, async () => down), 'unchecked', 'and stays over');
});

test('a verdict is fresh for ten minutes only; a new one starts its time anew', async () => {
  const cache = new VerdictCache();
  let asked = 0;
  const again = async (): Promise<GatheredVerdicts> => (asked++, { ...good });
  for (const minutes of [0, 9, 10, 19, 20]) await cache.get('k', again, minutes * MINUTE);
  assert.equal(asked, 3);
  const fail = () => Promise.reject(new Error('down'));
  await cache.get('k', fail, (20 + 23 * 60) * MINUTE);
  await assert.rejects(cache.get('k', fail, (20 + 24 * 60) * MINUTE), /down/);
});

test('attestations that could not be read leave the question open', async () => {
  const cache = new VerdictCache();
  const open = {
    ...good,
    attestations: { verified: [], problems: new Map([['a', new Problem('unreachable', 'down')]]) },
  };
  let asked = 0;
  for (let i = 0; i < 2; i++) await cache.get('k', async () => (asked++, open), 0);
  assert.equal(asked, 2, 'not cached');
  await cache.get('k', async () => good, 0);
  assert.equal(await cache.get('k', async () => open, 20 * MINUTE), good, 'and does not undo what is cached');
});

test('one authority that is not verified keeps all of the entry out of the cache', async () => {
  const cache = new VerdictCache();
  const mixed = { ...good, verdicts: new Map([...good.verdicts, ['b', { kind: 'unsigned' } as Verdict]]) };
  await cache.get('k', async () => mixed);
  assert.equal(cache.size, 0);
});

test('the least recently used entry goes first', async () => {
  const cache = new VerdictCache(2);
  for (const key of ['a', 'b', 'a', 'c']) await cache.get(key, async () => good, 0);
  const asked: string[] = [];
  for (const key of ['a', 'c', 'b']) await cache.get(key, async () => (asked.push(key), good), 0);
  assert.deepEqual(asked, ['b']);
});
