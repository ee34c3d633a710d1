// Test cases of a policy: what a case says becomes the evidence, and a case fails for the right reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { NOW, PUBLIC_KEY } from '../../test/policy.ts';
import { CasesSchema, runCase } from './cases.ts';
import { parseConfig } from './config-file.ts';

const policyOf = (rule: object) =>
  parseConfig(
    JSON.stringify({
      authorities: { ci: { keys: [PUBLIC_KEY] } },
      rules: [{ name: 'r', images: ['**'], digest: 'off', ...rule }],
    }),
    'c',
  );
const run = (rule: object, settings: object) => {
  const { cases } = v.parse(CasesSchema, { cases: [{ name: 'n', image: 'x:1', expect: 'allow', ...settings }] });
  const { decision, wrong } = runCase(cases[0] as never, policyOf(rule), NOW);
  return wrong ?? decision.outcome;
};
const SIGNED = { signatures: { all: ['ci'] } };
const PLATFORMS = { ...SIGNED, signed: 'platforms' };
const ATTESTED = { attestations: [{ type: 'spdx', by: { all: ['ci'] }, condition: 'annotations["a"] == "b"' }] };

const cases: [name: string, rule: object, settings: object, answer: RegExp][] = [
  ['verified', SIGNED, { signatures: { ci: 'verified' } }, /^allow$/],
  ['not named is unsigned', SIGNED, {}, /^expected allow, got deny\. not met: rule 'r': .*not signed at all/],
  ['unsigned', SIGNED, { signatures: { ci: 'unsigned' }, expect: 'deny', reason: 'not signed at all' }, /^deny$/],
  ['others', SIGNED, { signatures: { ci: 'others' }, expect: 'deny', reason: 'not by this authority' }, /^deny$/],
  ['invalid', SIGNED, { signatures: { ci: 'invalid' }, expect: 'deny', reason: 'invalid signature' }, /^deny$/],
  ['unchecked', SIGNED, { signatures: { ci: 'unchecked' }, expect: 'deny', reason: 'could not be checked' }, /^deny$/],
  [
    'each platform',
    PLATFORMS,
    {
      platformSignatures: { 'linux/amd64': { ci: 'verified' }, 'linux/arm64': {} },
      expect: 'deny',
      reason: 'linux/arm64',
    },
    /^deny$/,
  ],
  ['no platforms: the image is its own', PLATFORMS, { signatures: { ci: 'verified' } }, /^allow$/],
  ['attested', ATTESTED, { attestations: [{ by: 'ci', type: 'spdx', annotations: { a: 'b' } }] }, /^allow$/],
  [
    'attested by a URI',
    ATTESTED,
    { attestations: [{ by: 'ci', type: 'https://spdx.dev/Document', annotations: { a: 'b' } }] },
    /^allow$/,
  ],
  [
    'attested, and the condition is false',
    ATTESTED,
    { attestations: [{ by: 'ci', type: 'spdx', annotations: { a: 'c' } }], expect: 'deny', reason: 'is false' },
    /^deny$/,
  ],
  ['platforms', { platforms: ['linux/arm64'] }, { platforms: ['linux/arm64'] }, /^allow$/],
  ['old enough', { minimumAgeDays: 3 }, { ageDays: 3 }, /^allow$/],
  ['too young', { minimumAgeDays: 3 }, { ageDays: 2, expect: 'deny' }, /^deny$/],
  ['of no known age', { minimumAgeDays: 3 }, { expect: 'deny' }, /^deny$/],
  [
    'another namespace',
    { namespaces: ['prod'] },
    { namespace: 'dev', expect: 'deny', reason: 'no rule applies' },
    /^deny$/,
  ],
  ['another kind', { kinds: ['Pod'] }, { kind: 'Job', expect: 'deny' }, /^deny$/],
  ['no namespace: the rule applies', { namespaces: ['prod'] }, {}, /^allow$/],
  [
    'the expected outcome for another reason',
    SIGNED,
    { expect: 'deny', reason: 'pinned' },
    /^deny as expected, but no reason contains 'pinned'/,
  ],
  [
    'a digest in the case is not a pin',
    { digest: 'required' },
    { digest: `sha256:${'c'.repeat(64)}`, expect: 'deny' },
    /^deny$/,
  ],
];
for (const [name, rule, settings, answer] of cases)
  test(`case: ${name}`, () => assert.match(run(rule, settings), answer));

test('a case about an authority that does not exist is refused, wherever it is named', () => {
  for (const settings of [
    { signatures: { ghost: 'verified' } },
    { platformSignatures: { 'linux/amd64': { ghost: 'verified' } } },
    { attestations: [{ by: 'ghost', type: 'spdx' }] },
  ])
    assert.throws(() => run(SIGNED, settings), /names the authority 'ghost', which the policy does not have/);
  assert.throws(() => run(SIGNED, { image: 'NOT VALID' }), /reference|image/i);
});

test('a file without cases is refused', () => {
  assert.equal(v.safeParse(CasesSchema, { cases: [] }).success, false);
});
