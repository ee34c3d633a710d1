// The demands of a rule as users read them: each demand has its words, and none is left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleOf } from '../../test/policy.ts';
import type { Rule } from './config.ts';
import { demands } from './demand-text.ts';

const texts: [rule: Partial<Rule>, text: string[]][] = [
  [{}, []],
  [{ digest: 'required' }, ['a digest']],
  [{ digest: 'resolve' }, ['a tag that resolves']],
  [{ registries: ['a.io'] }, ['a registry among a.io']],
  [{ registries: ['a.io', 'b.io'] }, ['a registry among a.io, b.io']],
  [{ registries: [] }, ['a registry among ']],
  [{ signatures: { all: ['a'] } }, ["a signature by 'a'"]],
  [{ signatures: { any: ['a'] } }, ["a signature by 'a'"]],
  [{ signatures: { all: ['a', 'b'] } }, ["a signature by all of 'a', 'b'"]],
  [{ signatures: { any: ['a', 'b'] } }, ["a signature by any of 'a', 'b'"]],
  [{ signatures: { threshold: 2, of: ['a', 'b', 'c'] } }, ["a signature by 2 of 'a', 'b', 'c'"]],
  [{ signatures: { threshold: 1, of: ['a'] } }, ["a signature by 1 of 'a'"]],
  [{ signatures: { all: ['a', 'b'] }, signed: 'platforms' }, ["a signature of every platform by all of 'a', 'b'"]],
  [{ signatures: { any: ['a'] }, signed: 'both' }, ["a signature of the index and every platform by 'a'"]],
  [{ signed: 'both' }, []],
  [
    {
      attestations: [
        { type: 't', by: { all: ['a'] } },
        { type: 'u', by: { any: ['a', 'b'] }, condition: 'x == 1' },
      ],
    },
    ["an attestation t by 'a'", "an attestation u by any of 'a', 'b' where x == 1"],
  ],
  [{ platforms: ['linux/amd64', 'linux/arm64'] }, ['linux/amd64, linux/arm64']],
  [{ tagAgrees: true }, ['a tag that still resolves to the digest beside it']],
  [{ noRollback: true }, ['a tag that did not return to an old digest']],
  [{ minimumAgeDays: 7 }, ['7 days since it was first seen']],
];
for (const [rule, text] of texts)
  test(`demands as text: ${text.join('; ') || 'none'}`, () => assert.deepEqual(demands(ruleOf(rule)), text));

test('all demands together, in the order in which users read them', () => {
  const rule = ruleOf({
    minimumAgeDays: 1,
    noRollback: true,
    tagAgrees: true,
    platforms: ['linux/amd64'],
    attestations: [{ type: 't', by: { all: ['a'] } }],
    signatures: { all: ['a'] },
    digest: 'required',
    registries: ['a.io'],
  });
  assert.deepEqual(
    demands(rule).map((text) => text.split(' ').slice(0, 2).join(' ')),
    ['a registry', 'a digest', 'a signature', 'an attestation', 'linux/amd64', 'a tag', 'a tag', '1 days'],
  );
});
