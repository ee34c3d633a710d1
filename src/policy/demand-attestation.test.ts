// Who must have attested what: by this authority, of this type, with this condition.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attestationOf, DOWN, decisionOf, evidenceOf, ruleOf, summaryOf, TYPE } from '../../test/policy.ts';
import type { Attestation } from '../flow.ts';
import type { Problem } from '../problem.ts';
import type { AttestationDemand } from './config.ts';

type Given = { verified?: Attestation[]; problems?: Record<string, Problem> };
const OPEN = { problems: { b: DOWN } };

const cases: [name: string, demand: Partial<AttestationDemand>, given: Given, summary: RegExp][] = [
  [
    'by this authority, of this type',
    {},
    { verified: [attestationOf('a')] },
    /^allow: attested by 'a': https:\/\/example\.com\/test\/v1$/,
  ],
  [
    'none',
    {},
    {},
    /^deny: must have an attestation of type https:\/\/example\.com\/test\/v1\. 'a': made no such attestation$/,
  ],
  ['by another authority', {}, { verified: [attestationOf('b')] }, /^deny: .*'a': made no such attestation$/],
  [
    'of another type',
    {},
    { verified: [attestationOf('a', { predicateType: 'https://example.com/other' })] },
    /^deny: .*made no such attestation$/,
  ],
  ['of a longer type', {}, { verified: [attestationOf('a', { predicateType: `${TYPE}/x` })] }, /^deny/],
  ['a condition that is true', { condition: 'predicate.n == 1' }, { verified: [attestationOf('a')] }, /^allow/],
  [
    'a condition that is false',
    { condition: 'predicate.n == 2' },
    { verified: [attestationOf('a')] },
    /^deny: .*predicate\.n == 2 is false$/,
  ],
  [
    'a condition that fails',
    { condition: 'predicate.x == 2' },
    { verified: [attestationOf('a')] },
    /^deny: .*No such key/,
  ],
  [
    'a condition that is no boolean',
    { condition: 'predicate.n' },
    { verified: [attestationOf('a')] },
    /^deny: .*not true or false/,
  ],
  [
    'one of several attestations meets the condition',
    { condition: 'predicate.n == 2' },
    { verified: [attestationOf('a'), attestationOf('a', { predicate: { n: 2 } })] },
    /^allow/,
  ],
  [
    'the right content by another authority',
    { condition: 'predicate.n == 2' },
    { verified: [attestationOf('a'), attestationOf('b', { predicate: { n: 2 } })] },
    /^deny/,
  ],
  [
    'all: one is missing',
    { by: { all: ['a', 'b'] } },
    { verified: [attestationOf('a')] },
    /^deny: .*'b': made no such/,
  ],
  [
    'all: one authority twice counts once',
    { by: { all: ['a', 'b'] } },
    { verified: [attestationOf('a'), attestationOf('a')] },
    /^deny/,
  ],
  ['any', { by: { any: ['a', 'b'] } }, { verified: [attestationOf('b')] }, /^allow: attested by 'b'/],
  [
    'threshold',
    { by: { threshold: 2, of: ['a', 'b', 'c'] } },
    { verified: [attestationOf('a'), attestationOf('c')] },
    /^allow/,
  ],
  ['threshold: one short', { by: { threshold: 2, of: ['a', 'b', 'c'] } }, { verified: [attestationOf('a')] }, /^deny/],
  ['an empty demand for all is never met (T23)', { by: { all: [] } }, { verified: [attestationOf('a')] }, /^deny/],
  [
    'a threshold of none is never met (T23)',
    { by: { threshold: 0, of: [] } },
    { verified: [attestationOf('a')] },
    /^deny/,
  ],
  ['could not be checked', { by: { any: ['b'] } }, OPEN, /^deny\?: .*'b': could not be checked: the registry is down$/],
  [
    'a valid one counts although there may be more',
    { by: { any: ['b'] } },
    { verified: [attestationOf('b')], ...OPEN },
    /^allow/,
  ],
  [
    'a false condition, and there may be more',
    { by: { any: ['b'] }, condition: 'false' },
    { verified: [attestationOf('b')], ...OPEN },
    /^deny\?/,
  ],
  ['all: one fails for sure, so the other does not matter', { by: { all: ['a', 'b'] } }, OPEN, /^deny: /],
  ['any: the unchecked one may have attested', { by: { any: ['a', 'b'] } }, OPEN, /^deny\?: /],
];
for (const [name, demand, { verified = [], problems = {} }, summary] of cases)
  test(`attestation: ${name}`, () => {
    const attestations = { verified, problems: new Map(Object.entries(problems)) };
    const rule = ruleOf({ attestations: [{ type: TYPE, by: { all: ['a'] }, ...demand }] });
    assert.match(summaryOf(decisionOf([rule], { evidence: evidenceOf({}, { attestations }) })), summary);
  });

test('attestations that were not fetched are open, and so is an image without evidence', () => {
  const rule = ruleOf({ attestations: [{ type: TYPE, by: { all: ['a'] } }] });
  assert.match(summaryOf(decisionOf([rule], { evidence: evidenceOf() })), /^deny\?: .*no attestations were fetched$/);
  assert.match(summaryOf(decisionOf([rule])), /^deny\?/);
});

test('each demand has its own result', () => {
  const attestations = { verified: [attestationOf('a')], problems: new Map() };
  const other = { type: 'https://example.com/other', by: { all: ['a'] } };
  const rule = ruleOf({ attestations: [{ type: TYPE, by: { all: ['a'] } }, other] });
  assert.match(
    summaryOf(decisionOf([rule], { evidence: evidenceOf({}, { attestations }) })),
    /^deny: attested by 'a'.*; must have an attestation of type https:\/\/example\.com\/other/,
  );
});
