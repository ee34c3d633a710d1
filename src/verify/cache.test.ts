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

test('one flight, however many ask', async () => {
  const cache = new VerdictCache();
  let asked = 0;
  const gather = async () => (asked++, good);
  await Promise.all(Array.from({ length: 500 }, () => cache.get('k', gather)));
  await cache.get('k', gather);
  assert.equal(asked, 1);
});

const runs: [name: string, then: GatheredVerdicts, atMinutes: number, kind: Verdict['kind']][] = [
  ['fresh: nobody is asked', unsigned, 5, 'verified'],
  ['old, and a good answer', good, 20, 'verified'],
  ['old, and the signature is gone', unsigned, 20, 'unsigned'],
  ['old, and the registry is down: what was verified stands', down, 20, 'verified'],
  ['older than a day, and the registry is down', down, 25 * 60, 'unchecked'],
];
for (const [name, then, minutes, kind] of runs) {
  test(`a kept verdict: ${name}`, async () => {
    const cache = new VerdictCache();
    await cache.get('k', async () => good, 0);
    assert.equal((await cache.get('k', async () => then, minutes * MINUTE)).verdicts.get('a')?.kind, kind);
  });
}

test('what is not verified is asked again each time; nothing outgrows its bound', async () => {
  const cache = new VerdictCache(2);
  let asked = 0;
  for (let i = 0; i < 3; i++) await cache.get('k', async () => (asked++, unsigned));
  assert.equal(asked, 3);
  for (let i = 0; i < 10; i++) await cache.get(`k${i}`, async () => good);
  assert.equal(cache.size, 2);
});

test('an exception is no verdict, and does not undo one', async () => {
  const cache = new VerdictCache();
  const fail = () => Promise.reject(new Error('down'));
  await assert.rejects(cache.get('k', fail));
  await cache.get('k', async () => good, 0);
  assert.equal(await cache.get('k', fail, 20 * MINUTE), good);
});
