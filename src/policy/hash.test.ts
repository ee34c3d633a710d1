// The hash of a policy: equal for equal meaning, different for everything that decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DIGEST, OTHER_DIGEST, PUBLIC_KEY, ruleOf } from '../../test/policy.ts';
import type { Rule } from './config.ts';
import { parseConfig } from './config-file.ts';
import { hashOf, policyHash } from './hash.ts';

const BASE = { authorities: {}, rules: [ruleOf()], exemptions: [] };
const BLOCKED = { digest: DIGEST, reason: 'r' };
const EXEMPT = { images: ['quay.io/x'], reason: 'old' };

test('the order of keys and an empty setting do not matter', () => {
  const text = (rule: string) => parseConfig(`rules: [${rule}]`, 'c');
  assert.equal(
    policyHash(text('{name: r, images: ["**"]}')),
    policyHash(text('{images: ["**"], name: r, digest: required}')),
  );
  assert.equal(policyHash({ ...BASE, blocked: [] }), policyHash(BASE));
  assert.match(policyHash(BASE), /^sha256:[0-9a-f]{64}$/);
});

test('the reason and the author of a blocked digest do not decide, its order neither', () => {
  const two = [BLOCKED, { digest: OTHER_DIGEST, reason: 's' }];
  assert.equal(policyHash({ ...BASE, blocked: two }), policyHash({ ...BASE, blocked: two.toReversed() }));
  assert.equal(
    policyHash({ ...BASE, blocked: [BLOCKED] }),
    policyHash({ ...BASE, blocked: [{ ...BLOCKED, reason: 'x', by: 'ada' }] }),
  );
});

const authority = (keys: string[]) => parseConfig(JSON.stringify({ authorities: { a: { keys } } }), 'c').authorities;
const rules: Partial<Rule>[] = [
  { name: 'other' },
  { images: ['ghcr.io/**'] },
  { tags: ['v*'] },
  { namespaces: ['a'] },
  { kinds: ['Pod'] },
  { digest: 'required' },
  { signatures: { all: ['a'] } },
  { signatures: { any: ['a'] } },
  { signed: 'both' },
  { attestations: [{ type: 't', by: { all: ['a'] } }] },
  { registries: ['ghcr.io'] },
  { platforms: ['linux/amd64'] },
  { tagAgrees: true },
  { noRollback: true },
  { minimumAgeDays: 1 },
  { mode: 'warn' },
];

test('everything that decides changes the hash, each in its own way', () => {
  const policies = [
    BASE,
    ...rules.map((more) => ({ ...BASE, rules: [ruleOf(more)] })),
    { ...BASE, rules: [] },
    { ...BASE, rules: [ruleOf(), ruleOf()] },
    { ...BASE, authorities: authority([PUBLIC_KEY]) },
    { ...BASE, authorities: authority([PUBLIC_KEY.replace('x', 'y')]) },
    { ...BASE, exemptions: [EXEMPT] },
    { ...BASE, exemptions: [{ ...EXEMPT, until: '2026-01-01' }] },
    { ...BASE, exemptions: [{ ...EXEMPT, namespaces: ['a'] }] },
    { ...BASE, blocked: [BLOCKED] },
    { ...BASE, blocked: [{ ...BLOCKED, digest: OTHER_DIGEST }] },
    { ...BASE, blocked: [{ ...BLOCKED, repository: 'ghcr.io/x' }] },
    { ...BASE, tightening: new Map([['a', [ruleOf()]]]) },
    { ...BASE, tightening: new Map([['b', [ruleOf()]]]) },
  ];
  assert.equal(new Set(policies.map(policyHash)).size, policies.length);
});

test('property: two JSON values have one hash exactly when they are equal', () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, item]) => [key, shuffled(item)]),
          )
        : value;
  const json = fc.jsonValue();
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.equal(hashOf(a), hashOf(shuffled(a)));
      const equal = JSON.stringify(a) === JSON.stringify(b);
      if (hashOf(a) === hashOf(b) && !equal) assert.deepEqual(a, b);
    }),
  );
  assert.notEqual(hashOf([1, 2]), hashOf([2, 1]));
  assert.notEqual(hashOf({ a: 'b' }), hashOf({ a: ['b'] }));
  assert.notEqual(hashOf('1'), hashOf(1));
  assert.equal(hashOf({ a: undefined }), hashOf({}));
});
