import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import type { Rule } from './config.ts';
import { demands } from './demand-text.ts';
import { lintPolicy } from './lint.ts';

const rule = (more: Partial<Rule>): Rule => ({
  name: 'r',
  images: ['ghcr.io/org/**'],
  digest: 'required',
  signed: 'digest',
  attestations: [],
  platforms: [],
  tagAgrees: false,
  noRollback: false,
  minimumAgeDays: 0,
  mode: 'enforce',
  ...more,
});
const here = [parseReference('ghcr.io/org/a:1') as Reference];
const authority = {
  kind: 'cosign',
  keys: [],
  identities: [],
  trustRoot: 'public-good',
  certificateAuthorities: [],
  certificateTransparency: 'required',
  timestamp: 'optional',
  bindRepository: false,
  hashAlgorithm: 'sha256',
  rsaScheme: 'pkcs1',
  transparencyLog: 'ignore',
  annotations: {},
} as const;

const cases: [name: string, rules: Rule[], expected: RegExp[]][] = [
  ['in order', [rule({ signatures: { all: ['a'] } })], []],
  ['no rules', [], [/error rules there are none/, /warning authority 'a' no rule names it/]],
  [
    'an exemption for everything',
    [rule({ images: ['**'], digest: 'off' })],
    [/error rule 'r' has no demands: it admits every image that no other rule matches/, /authority 'a'/],
  ],
  [
    'a rule without demands',
    [rule({ digest: 'off' })],
    [/warning rule 'r' has no demands: its images pass/, /authority 'a'/],
  ],
  [
    'a dead rule, and an image without one',
    [rule({ images: ['quay.io/x/*'], signatures: { any: ['a'] } })],
    [/matches no image here/, /no rule applies to ghcr\.io\/org\/a: denied/],
  ],
  [
    'signatures without digest',
    [rule({ digest: 'off', signatures: { all: ['a'] } })],
    [/demands a signature, but no digest/],
  ],
];
for (const [name, rules, expected] of cases) {
  test(`lint: ${name}`, () => {
    const lints = lintPolicy({ rules, authorities: { a: authority }, exemptions: [] }, here, new Date()).map(
      ({ level, subject, message }) => `${level} ${subject} ${message}`,
    );
    assert.equal(lints.length, expected.length, lints.join('\n'));
    for (const [i, pattern] of expected.entries()) assert.match(lints[i] as string, pattern);
  });
}

test('demands in words', () => {
  const all = rule({
    signatures: { threshold: 2, of: ['a', 'b', 'b'] },
    platforms: ['linux/amd64'],
    minimumAgeDays: 3,
  });
  assert.deepEqual(demands(all), [
    'a digest',
    "a signature by 2 of 'a', 'b'",
    'linux/amd64',
    '3 days since it was first seen',
  ]);
});
