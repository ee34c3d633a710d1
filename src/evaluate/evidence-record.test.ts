// Evidence goes into the log and comes out unchanged: what could not be checked stays unchecked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence, Verdict } from '../flow.ts';
import { Problem } from '../problem.ts';
import { fromEvidenceRecord, toEvidenceRecord } from './evidence-record.ts';

const D = `sha256:${'a'.repeat(64)}`;
const down = new Problem('unreachable', 'no answer', { image: 'x' });
const proof = { by: 'key', layout: 'bundle', annotations: {}, times: ['2026-01-01T00:00:00Z'], keyId: 'k' } as const;
const verified: Verdict = { kind: 'verified', ...proof };
const statement = (predicate: unknown) => ({ ...proof, authority: 'a', predicateType: 'https://x.test/p', predicate });
const through = (evidence: Evidence) => fromEvidenceRecord(JSON.parse(JSON.stringify(toEvidenceRecord(evidence))));

const evidences: [name: string, evidence: Evidence][] = [
  [
    'verdicts of every kind',
    {
      digest: D,
      verdicts: new Map<string, Verdict>([
        ['a', verified],
        ['b', { kind: 'unsigned' }],
        ['c', { kind: 'others', count: 2 }],
        ['d', { kind: 'invalid', reasons: ['r'] }],
        ['e', { kind: 'unchecked', problem: down }],
      ]),
      attestations: { verified: [], problems: new Map() },
    },
  ],
  [
    'attestations',
    {
      digest: D,
      verdicts: new Map(),
      attestations: { verified: [statement({ x: 1 })], problems: new Map([['b', down]]) },
    },
  ],
  [
    'platforms, children, tag, first seen',
    {
      digest: D,
      verdicts: new Map(),
      attestations: { verified: [], problems: new Map() },
      platforms: ['linux/amd64'],
      children: [{ digest: D, platform: 'linux/amd64', verdicts: new Map([['a', verified]]) }],
      tagNow: D,
      firstSeen: '2026-01-01T00:00:00Z',
    },
  ],
  [
    'what could not be read',
    {
      digest: D,
      verdicts: new Map(),
      attestations: { verified: [], problems: new Map() },
      platforms: down,
      children: down,
      tagNow: down,
    },
  ],
];
for (const [name, evidence] of evidences)
  test(`record: ${name}`, () => {
    assert.deepEqual(through(evidence), evidence);
  });

test('attestations that are too large are left out, and count as unchecked', () => {
  const large = {
    digest: D,
    verdicts: new Map(),
    attestations: { verified: [statement('x'.repeat(20_000))], problems: new Map() },
  };
  assert.ok(JSON.stringify(toEvidenceRecord(large)).length < 1000);
  assert.equal(through(large).attestations, undefined);
});
