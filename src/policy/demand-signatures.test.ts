// Who must have signed: all, any, a threshold; of the digest, of each platform, or of both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DIGEST,
  DOWN,
  decisionOf,
  evidenceOf,
  INVALID,
  OTHER_DIGEST,
  OTHERS,
  ruleOf,
  summaryOf,
  UNCHECKED,
  UNSIGNED,
  VERIFIED,
} from '../../test/policy.ts';
import type { ChildVerdicts, Verdict } from '../flow.ts';
import type { Demand, Rule } from './config.ts';
import { describeVerdict } from './demand-signatures.ts';

const cases: [name: string, signatures: Demand, verdicts: Record<string, Verdict>, summary: RegExp][] = [
  ['signed', { all: ['a'] }, { a: VERIFIED }, /^allow: signed by 'a'$/],
  ['unsigned', { all: ['a'] }, { a: UNSIGNED }, /^deny: must be signed by 'a'\. 'a': not signed at all$/],
  ['signed by others', { all: ['a'] }, { a: OTHERS }, /^deny: .*not by this authority \(1 other signature\)$/],
  ['invalid', { all: ['a'] }, { a: INVALID }, /^deny: .*'a': invalid signature: the certificate ended$/],
  [
    'not checked is open, and denied (T22)',
    { all: ['a'] },
    { a: UNCHECKED },
    /^deny\?: .*could not be checked: the registry is down$/,
  ],
  ['no verdict of this authority', { all: ['a'] }, { b: VERIFIED }, /^deny\?: .*no signatures were fetched$/],
  [
    'all: one is missing',
    { all: ['a', 'b'] },
    { a: VERIFIED, b: OTHERS },
    /^deny: must be signed by 2 of 'a', 'b'\. 'b': signed, but not/,
  ],
  ['all: both', { all: ['a', 'b'] }, { a: VERIFIED, b: VERIFIED }, /^allow: signed by 'a', 'b'$/],
  [
    'all: one fails for sure, so the other does not matter',
    { all: ['a', 'b'] },
    { a: UNCHECKED, b: UNSIGNED },
    /^deny: /,
  ],
  ['all: one is not checked', { all: ['a', 'b'] }, { a: UNCHECKED, b: VERIFIED }, /^deny\?: /],
  ['any', { any: ['a', 'b'] }, { a: UNSIGNED, b: VERIFIED }, /^allow: signed by 'b'$/],
  ['any: an unchecked one does not undo a valid one', { any: ['a', 'b'] }, { a: UNCHECKED, b: VERIFIED }, /^allow/],
  ['any: an unchecked one may have signed', { any: ['a', 'b'] }, { a: UNCHECKED, b: UNSIGNED }, /^deny\?/],
  ['any: none', { any: ['a', 'b'] }, { a: INVALID, b: UNSIGNED }, /^deny: must be signed by 1 of/],
  ['threshold: met', { threshold: 2, of: ['a', 'b', 'c'] }, { a: VERIFIED, b: UNSIGNED, c: VERIFIED }, /^allow/],
  ['threshold: one short', { threshold: 2, of: ['a', 'b', 'c'] }, { a: VERIFIED, b: UNSIGNED, c: UNSIGNED }, /^deny: /],
  [
    'threshold: the same name twice counts once (T37)',
    { threshold: 2, of: ['a', 'a', 'b'] },
    { a: VERIFIED, b: UNSIGNED },
    /^deny: /,
  ],
  [
    'threshold: two unchecked could meet it',
    { threshold: 2, of: ['a', 'b', 'c'] },
    { a: UNCHECKED, b: UNCHECKED, c: UNSIGNED },
    /^deny\?/,
  ],
  [
    'threshold: two unchecked could not',
    { threshold: 3, of: ['a', 'b', 'c'] },
    { a: UNCHECKED, b: UNCHECKED, c: UNSIGNED },
    /^deny: /,
  ],
  ['an empty demand for all is never met (T23)', { all: [] }, {}, /^deny: /],
  ['an empty demand for any is never met (T23)', { any: [] }, {}, /^deny: /],
  ['a threshold of none is never met (T23)', { threshold: 0, of: [] }, {}, /^deny: /],
];
for (const [name, signatures, verdicts, summary] of cases)
  test(`signatures: ${name}`, () =>
    assert.match(summaryOf(decisionOf([ruleOf({ signatures })], { evidence: evidenceOf(verdicts) })), summary));

const VERDICTS = { verified: VERIFIED, unsigned: UNSIGNED, others: OTHERS, invalid: INVALID, unchecked: UNCHECKED };
const anyVerdicts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...Object.values(VERDICTS)));
const names = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 });
const anyDemand: fc.Arbitrary<Demand> = fc.oneof(
  names.map((all) => ({ all })),
  names.map((any) => ({ any })),
  fc.record({ threshold: fc.integer({ min: 1, max: 4 }), of: names }),
);

test('property: met exactly when enough distinct authorities verified; open exactly when the rest could still do it', () => {
  fc.assert(
    fc.property(anyDemand, anyVerdicts, (signatures, verdicts) => {
      const distinct = new Set(
        'all' in signatures ? signatures.all : 'any' in signatures ? signatures.any : signatures.of,
      );
      const needed = 'all' in signatures ? distinct.size : 'any' in signatures ? 1 : signatures.threshold;
      const count = (test: (kind: string) => boolean) =>
        [...distinct].filter((name) => test(verdicts[name]?.kind ?? 'unchecked')).length;
      const verified = count((kind) => kind === 'verified');
      const possible = count((kind) => kind === 'verified' || kind === 'unchecked');
      const expected =
        distinct.size > 0 && verified >= needed ? 'allow' : distinct.size > 0 && possible >= needed ? 'deny?' : 'deny';
      const evidence = evidenceOf(verdicts);
      assert.equal(summaryOf(decisionOf([ruleOf({ signatures })], { evidence })).split(':')[0], expected);
    }),
  );
});

const child = (platform: string | undefined, verdict: Verdict, digest = OTHER_DIGEST): ChildVerdicts => ({
  digest,
  verdicts: new Map([['a', verdict]]),
  ...(platform !== undefined && { platform }),
});
const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
type Children = readonly ChildVerdicts[] | typeof DOWN | undefined;

const platforms: [name: string, rule: Partial<Rule>, index: Verdict, children: Children, summary: RegExp][] = [
  [
    'each platform signed',
    { signed: 'platforms' },
    UNSIGNED,
    [child(AMD, VERIFIED), child(ARM, VERIFIED)],
    /^allow: linux\/amd64: signed by 'a'; linux\/arm64: signed/,
  ],
  [
    'one platform unsigned',
    { signed: 'platforms' },
    VERIFIED,
    [child(AMD, VERIFIED), child(ARM, UNSIGNED)],
    /^deny: .*linux\/arm64: must be signed by 'a'/,
  ],
  [
    'one platform unchecked',
    { signed: 'platforms' },
    VERIFIED,
    [child(AMD, VERIFIED), child(ARM, UNCHECKED)],
    /^deny\?/,
  ],
  [
    'two manifests of one platform, one unsigned',
    { signed: 'platforms' },
    VERIFIED,
    [child(AMD, VERIFIED), child(AMD, UNSIGNED, DIGEST)],
    /^deny/,
  ],
  [
    'only the named platforms',
    { signed: 'platforms', platforms: [AMD] },
    UNSIGNED,
    [child(AMD, VERIFIED), child(ARM, UNSIGNED)],
    /^allow/,
  ],
  [
    'a named platform is unsigned',
    { signed: 'platforms', platforms: [ARM] },
    UNSIGNED,
    [child(AMD, VERIFIED), child(ARM, UNSIGNED)],
    /^deny/,
  ],
  [
    'a manifest without a platform may run on any',
    { signed: 'platforms', platforms: [AMD] },
    UNSIGNED,
    [child(AMD, VERIFIED), child(undefined, UNSIGNED)],
    /^deny: .*sha256:b{64}: must be signed/,
  ],
  ['one manifest is its own platform', { signed: 'platforms' }, VERIFIED, [], /^allow: signed by 'a'$/],
  ['one manifest, unsigned', { signed: 'platforms' }, UNSIGNED, [], /^deny/],
  [
    'manifests that were not read',
    { signed: 'platforms' },
    VERIFIED,
    undefined,
    /^deny\?: the manifests of its platforms could not be checked$/,
  ],
  [
    'manifests that could not be read',
    { signed: 'platforms' },
    VERIFIED,
    DOWN,
    /^deny\?: .*could not be checked: the registry is down$/,
  ],
  ['both: the index is unsigned', { signed: 'both' }, UNSIGNED, [child(AMD, VERIFIED)], /^deny/],
  ['both: a platform is unsigned', { signed: 'both' }, VERIFIED, [child(AMD, UNSIGNED)], /^deny/],
  [
    'both: all signed',
    { signed: 'both' },
    VERIFIED,
    [child(AMD, VERIFIED)],
    /^allow: signed by 'a'; linux\/amd64: signed by 'a'$/,
  ],
  ['both: one manifest has one result', { signed: 'both' }, VERIFIED, [], /^allow: signed by 'a'$/],
  ['both: manifests that were not read', { signed: 'both' }, VERIFIED, undefined, /^deny\?/],
  ['digest: platforms do not matter', { signed: 'digest' }, VERIFIED, [child(AMD, UNSIGNED)], /^allow: signed by 'a'$/],
  ['digest: platforms do not help', { signed: 'digest' }, UNSIGNED, [child(AMD, VERIFIED)], /^deny/],
];
for (const [name, rule, index, children, summary] of platforms)
  test(`signed: ${name}`, () => {
    const has = rule.platforms === undefined ? {} : { platforms: rule.platforms };
    const evidence = evidenceOf({ a: index }, { ...has, ...(children !== undefined && { children }) });
    assert.match(summaryOf(decisionOf([ruleOf({ signatures: { all: ['a'] }, ...rule })], { evidence })), summary);
  });

test('a verdict as users read it', () => {
  const times = ['2026-01-02T03:04:05.678Z'];
  assert.equal(
    describeVerdict({ ...VERIFIED, times, logIndex: '7' } as Verdict),
    'signed by key 1, 2026-01-02T03:04:05Z, log entry 7',
  );
  assert.equal(describeVerdict(VERIFIED), 'signed by key 1');
  assert.match(describeVerdict({ kind: 'others', count: 2 }), /2 other signatures/);
});
