// The order of a decision: blocklist, exemptions, rules; and how rules together make the outcome.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DIGEST,
  DOWN,
  decisionOf,
  NOW,
  OTHER_DIGEST,
  referenceOf,
  resolvedOf,
  ruleOf,
  summaryOf,
} from '../../test/policy.ts';
import type { Rule } from './config.ts';
import { type DecisionInput, decide, forbiddenRegistry } from './decide.ts';

const PINNED = ruleOf({ name: 'pinned', digest: 'required' });
const BLOCKED = { digest: DIGEST, reason: 'it leaks' };

const cases: [name: string, rules: Rule[], input: Parameters<typeof decisionOf>[1], summary: RegExp][] = [
  [
    'no rule applies, and the reason says so (T23)',
    [ruleOf({ images: ['ghcr.io/**'] })],
    {},
    /^deny: no rule applies to this image/,
  ],
  ['no rules at all (T23)', [], {}, /^deny: no rule applies/],
  ['a rule without demands admits', [ruleOf()], {}, /^allow: the rule has no demands$/],
  ['a rule that is met', [PINNED], { image: `x@${DIGEST}` }, /^allow: pinned to a digest$/],
  ['a rule that is not met', [PINNED], {}, /^deny: must be pinned to a digest/],
  ['warn mode warns', [{ ...PINNED, mode: 'warn' }], {}, /^warn: must be pinned/],
  ['audit mode warns', [{ ...PINNED, mode: 'audit' }], {}, /^warn: must be pinned/],
  [
    'one rule warns, one enforces: deny',
    [PINNED, ruleOf({ name: 'w', registries: ['a.io'], mode: 'warn' })],
    {},
    /^deny/,
  ],
  [
    'one rule warns, one enforces and is met: warn',
    [ruleOf(), ruleOf({ name: 'w', registries: ['a.io'], mode: 'warn' })],
    {},
    /^warn/,
  ],
  ['the strictest rule decides', [ruleOf({ name: 'lax' }), PINNED], {}, /^deny/],
  ['two rules of one name: the enforced one counts', [PINNED, { ...PINNED, mode: 'warn' }], {}, /^deny/],
];
for (const [name, rules, input, summary] of cases)
  test(`decide: ${name}`, () => {
    assert.match(summaryOf(decisionOf(rules, input)), summary);
    const [outcome] = summaryOf(decisionOf(rules, input)).split(':');
    assert.equal(summaryOf(decisionOf(rules.toReversed(), input)).split(':')[0], outcome, 'order does not matter');
  });

const EXEMPT = { images: ['docker.io/library/*'], reason: 'being replaced' };
const lists: [
  name: string,
  policy: Partial<DecisionInput['policy']>,
  input: Parameters<typeof decisionOf>[1],
  summary: RegExp,
][] = [
  [
    'the digest that the tag resolves to',
    { blocked: [BLOCKED] },
    {},
    /^deny: sha256:a{64} is on the blocklist: it leaks$/,
  ],
  [
    'the digest of the reference, when nothing was resolved',
    { blocked: [BLOCKED] },
    { image: `x@${DIGEST}`, resolved: DOWN },
    /^deny: .*is on the blocklist/,
  ],
  ['before an exemption', { blocked: [BLOCKED], exemptions: [EXEMPT] }, {}, /^deny: .*is on the blocklist/],
  ['before a rule that only warns', { blocked: [BLOCKED], rules: [ruleOf({ mode: 'warn' })] }, {}, /^deny/],
  ['not another digest', { blocked: [{ ...BLOCKED, digest: OTHER_DIGEST }] }, {}, /^allow/],
  ['any of several entries', { blocked: [{ ...BLOCKED, digest: OTHER_DIGEST }, BLOCKED] }, {}, /^deny/],
  [
    'a tag of its repository that cannot be resolved is denied, and open',
    { blocked: [{ ...BLOCKED, repository: 'docker.io/library/x' }] },
    { resolved: DOWN },
    /^deny\?: its repository has digests on the blocklist, and the tag could not be resolved: the registry is down$/,
  ],
  [
    'the same for an exempt image',
    { blocked: [{ ...BLOCKED, repository: 'docker.io/library/x' }], exemptions: [EXEMPT] },
    { resolved: DOWN },
    /^deny\?/,
  ],
  [
    'a tag of another repository that cannot be resolved',
    { blocked: [{ ...BLOCKED, repository: 'docker.io/library/y' }] },
    { resolved: DOWN },
    /^allow/,
  ],
  [
    'another digest of its repository that cannot be resolved',
    { blocked: [{ ...BLOCKED, repository: 'docker.io/library/x' }] },
    { image: `x@${OTHER_DIGEST}`, resolved: DOWN },
    /^allow/,
  ],
];
for (const [name, policy, input, summary] of lists)
  test(`blocklist: ${name}`, () =>
    assert.match(
      summaryOf(decisionOf([], { policy: { rules: [ruleOf()], exemptions: [], ...policy }, ...input })),
      summary,
    ));

test('an exemption replaces the rules, and says why and until when', () => {
  const until = { ...EXEMPT, until: '2026-12-31' };
  const exempt = (exemptions: DecisionInput['policy']['exemptions']) =>
    summaryOf(decisionOf([], { policy: { rules: [PINNED], exemptions } }));
  assert.equal(exempt([EXEMPT]), 'allow: exempt: being replaced');
  assert.equal(exempt([until]), 'allow: exempt until 2026-12-31: being replaced');
  assert.match(exempt([{ ...EXEMPT, images: ['docker.io/library/y'] }]), /^deny/);
});

test('forbidden registries: only enforced rules that apply forbid a request (T46)', () => {
  const forbidden = (rule: Partial<Rule>, image = 'evil.io/x:1') =>
    forbiddenRegistry(
      referenceOf(image),
      { rules: [ruleOf({ registries: ['ghcr.io', '*.ok.io'], ...rule })], exemptions: [] },
      {},
      NOW,
    );
  assert.match(forbidden({}) ?? '', /no request was sent to evil\.io: rule 'r' does not allow this registry/);
  assert.equal(forbidden({}, 'ghcr.io/x:1'), undefined);
  assert.equal(forbidden({}, 'a.ok.io/x:1'), undefined);
  assert.match(forbidden({}, 'notok.io/x:1') ?? '', /no request/);
  assert.equal(forbidden({ mode: 'warn' }), undefined, 'a warning needs the answer of the registry');
  assert.equal(forbidden({ images: ['ghcr.io/**'] }), undefined);
});

const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    images: fc.subarray(['**', 'docker.io/library/*', 'ghcr.io/**'], { minLength: 1 }),
    digest: fc.constantFrom('required', 'resolve', 'off'),
    registries: fc.option(fc.subarray(['docker.io', 'ghcr.io'], { minLength: 1 }), { nil: undefined }),
    namespaces: fc.option(fc.subarray(['a', 'b'], { minLength: 1 }), { nil: undefined }),
    kinds: fc.option(fc.constant(['Pod']), { nil: undefined }),
    tags: fc.option(fc.constant(['prod*']), { nil: undefined }),
    mode: fc.constantFrom('enforce', 'warn'),
    noRollback: fc.boolean(),
  })
  .map((more) => ruleOf(more as Partial<Rule>));
const anyInput = fc.record({
  image: fc.constantFrom('x:1', 'x:prod-1', `x@${DIGEST}`, `ghcr.io/y:1@${DIGEST}`),
  failed: fc.boolean(),
  scope: fc.constantFrom({}, { namespace: 'a' }, { namespace: 'a', kind: 'Pod' }, { kind: 'Job' }),
});
const RANK = { allow: 0, warn: 1, deny: 2 } as const;

function rankOf(
  policy: DecisionInput['policy'],
  { image, failed, scope }: { image: string; failed: boolean; scope: object },
) {
  const resolved = failed ? DOWN : resolvedOf(image, { leftAt: '2026-01-01T00:00:00Z' });
  return RANK[
    decide({ reference: referenceOf(image), resolved, evidence: undefined, policy, now: NOW, scope }).outcome
  ];
}

test('property: one more rule never admits an image that other rules object to', () => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 4 }), anyRule, anyInput, (rules, more, input) => {
      const before = rankOf({ rules, exemptions: [] }, input);
      const applies = decisionOf(rules, { image: input.image, scope: input.scope }).results.every(
        ({ rule }) => rule !== '(none)',
      );
      if (applies) assert.ok(rankOf({ rules: [...rules, more], exemptions: [] }, input) >= before);
    }),
  );
});

test('property: the policy of a namespace never admits more (T21)', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 3 }),
      fc.array(anyRule, { maxLength: 3 }),
      anyInput,
      (rules, more, input) => {
        const tightening = new Map([['a', more]]);
        assert.ok(rankOf({ rules, exemptions: [], tightening }, input) >= rankOf({ rules, exemptions: [] }, input));
      },
    ),
  );
});

test('property: a scope that is unknown never admits more than a known one', () => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 4 }), anyInput, (rules, input) => {
      const known = decisionOf(rules, { image: input.image, scope: { namespace: 'a', kind: 'Pod' } });
      if (known.results.some(({ rule }) => rule === '(none)')) return;
      assert.ok(
        rankOf({ rules, exemptions: [] }, { ...input, scope: {} }) >=
          rankOf({ rules, exemptions: [] }, { ...input, scope: { namespace: 'a', kind: 'Pod' } }),
      );
    }),
  );
});

test('property: nothing hides a digest on the blocklist', () => {
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 3 }), anyInput, fc.boolean(), (rules, input, exempt) => {
      const exemptions = exempt ? [{ images: ['docker.io/library/*', 'ghcr.io/*'], reason: 'x' }] : [];
      const image = { ...input, failed: input.failed && input.image.includes('@') };
      assert.equal(rankOf({ rules, exemptions, blocked: [BLOCKED] }, image), RANK.deny);
    }),
  );
});
