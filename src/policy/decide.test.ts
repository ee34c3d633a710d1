import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence, Reference, Resolved, Verdict } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Rule } from './config.ts';
import { parseConfig } from './config-file.ts';
import { decide } from './decide.ts';
import { matchingRules } from './match.ts';

const D = `sha256:${'a'.repeat(64)}`;
const NOW = new Date('2026-06-10T00:00:00Z');
const ref = (text: string) => parseReference(text) as Reference;
const rule = (more: Partial<Rule>): Rule => ({
  name: 'r',
  images: ['**'],
  digest: 'off',
  signed: 'digest',
  attestations: [],
  platforms: [],
  tagAgrees: false,
  noRollback: false,
  minimumAgeDays: 0,
  mode: 'enforce',
  ...more,
});
const resolved = (text: string): Resolved => ({ reference: ref(text), digest: D, from: 'registry', at: '' });
const verified: Verdict = { kind: 'verified', by: 'key 1', layout: 'bundle', times: [], annotations: {} };
const unchecked: Verdict = { kind: 'unchecked', problem: new Problem('unreachable', 'down') };
const evidence = (verdicts: Record<string, Verdict>, more: Partial<Evidence> = {}): Evidence => ({
  digest: D,
  verdicts: new Map(Object.entries(verdicts)),
  ...more,
});

type Case = {
  name: string;
  rules: Rule[];
  image?: string;
  given?: Evidence;
  answer?: Resolved | Problem;
  outcome: string;
  open?: boolean;
  says?: RegExp;
};
const cases: Case[] = [
  {
    name: 'no rule: deny, said so (T23)',
    rules: [rule({ images: ['ghcr.io/**'] })],
    outcome: 'deny',
    says: /no rule applies/,
  },
  { name: 'a rule without demands', rules: [rule({})], outcome: 'allow' },
  {
    name: 'digest required and missing',
    rules: [rule({ digest: 'required' })],
    outcome: 'deny',
    says: /must be pinned/,
  },
  { name: 'digest required and there', rules: [rule({ digest: 'required' })], image: `x@${D}`, outcome: 'allow' },
  {
    name: 'resolve, and nobody could',
    rules: [rule({ digest: 'resolve' })],
    answer: new Problem('unreachable', 'down'),
    outcome: 'deny',
    open: true,
  },
  {
    name: 'signed',
    rules: [rule({ signatures: { all: ['a'] } })],
    given: evidence({ a: verified }),
    outcome: 'allow',
    says: /signed by 'a'/,
  },
  {
    name: 'signed, but the evidence is about another digest (T2)',
    rules: [rule({ signatures: { all: ['a'] } })],
    given: evidence({ a: verified }, { digest: `sha256:${'b'.repeat(64)}` }),
    outcome: 'deny',
    open: true,
  },
  {
    name: 'unsigned',
    rules: [rule({ signatures: { all: ['a'] } })],
    given: evidence({ a: { kind: 'unsigned' } }),
    outcome: 'deny',
    says: /not signed at all/,
  },
  { name: 'no evidence is no signature', rules: [rule({ signatures: { all: ['a'] } })], outcome: 'deny', open: true },
  {
    name: 'could not check is open, and denied (T22)',
    rules: [rule({ signatures: { all: ['a'] } })],
    given: evidence({ a: unchecked }),
    outcome: 'deny',
    open: true,
  },
  {
    name: 'all: one is missing',
    rules: [rule({ signatures: { all: ['a', 'b'] } })],
    given: evidence({ a: verified, b: { kind: 'others', count: 1 } }),
    outcome: 'deny',
    says: /'b': signed, but not by this authority/,
  },
  {
    name: 'all: one is missing for sure, another open: not open',
    rules: [rule({ signatures: { all: ['a', 'b'] } })],
    given: evidence({ a: unchecked, b: { kind: 'unsigned' } }),
    outcome: 'deny',
    open: false,
  },
  {
    name: 'any',
    rules: [rule({ signatures: { any: ['a', 'b'] } })],
    given: evidence({ a: { kind: 'unsigned' }, b: verified }),
    outcome: 'allow',
  },
  {
    name: 'threshold: the same name twice counts once (T37)',
    rules: [rule({ signatures: { threshold: 2, of: ['a', 'a', 'b'] } })],
    given: evidence({ a: verified, b: { kind: 'unsigned' } }),
    outcome: 'deny',
  },
  {
    name: 'threshold met',
    rules: [rule({ signatures: { threshold: 2, of: ['a', 'b', 'c'] } })],
    given: evidence({ a: verified, b: { kind: 'unsigned' }, c: verified }),
    outcome: 'allow',
  },
  {
    name: 'an empty demand is never met (T23)',
    rules: [rule({ signatures: { all: [] } })],
    given: evidence({}),
    outcome: 'deny',
  },
  {
    name: 'platform there and missing',
    rules: [rule({ platforms: ['linux/arm64'] })],
    given: evidence({}, { platforms: ['linux/amd64'] }),
    outcome: 'deny',
    says: /has only linux\/amd64/,
  },
  {
    name: 'age: too young',
    rules: [rule({ minimumAgeDays: 7 })],
    given: evidence({}, { firstSeen: '2026-06-08T00:00:00Z' }),
    outcome: 'deny',
    says: /is known for 2/,
  },
  {
    name: 'age: old enough',
    rules: [rule({ minimumAgeDays: 2 })],
    given: evidence({}, { firstSeen: '2026-06-08T00:00:00Z' }),
    outcome: 'allow',
  },
  {
    name: 'age: unknown',
    rules: [rule({ minimumAgeDays: 2 })],
    given: evidence({}),
    outcome: 'deny',
    says: /has no record of this digest/,
  },
  { name: 'warn mode warns', rules: [rule({ digest: 'required', mode: 'warn' })], outcome: 'warn' },
  {
    name: 'the strictest rule decides',
    rules: [rule({ name: 'lax' }), rule({ name: 'strict', digest: 'required' })],
    outcome: 'deny',
  },
];
for (const { name, rules, image = 'x:1', given, answer = resolved(image), outcome, open, says } of cases) {
  test(`decide: ${name}`, () => {
    for (const order of [rules, rules.toReversed()]) {
      const decision = decide({
        reference: ref(image),
        resolved: answer,
        evidence: given,
        policy: { rules: order, exemptions: [] },
        now: NOW,
      });
      assert.equal(decision.outcome, outcome, JSON.stringify(decision));
      if (says) assert.match(decision.results.map(({ reason }) => reason).join('\n'), says);
      if (open !== undefined)
        assert.equal(
          decision.results.some(({ ok, unchecked }) => !ok && unchecked),
          open,
        );
    }
  });
}

test('matching is on the canonical name, anchored (T10, T25, T26)', () => {
  const table: [pattern: string, image: string, matches: boolean][] = [
    ['docker.io/library/*', 'nginx', true],
    ['docker.io/library/*', 'index.docker.io/nginx:1', true],
    ['ghcr.io/org/**', 'GHCR.io:443/org/a/b', true],
    ['ghcr.io/org/*', 'ghcr.io/org-evil/a', false],
    ['ghcr.io/org/**', 'ghcr.io.evil.com/org/a', false],
    ['*.example.com/**', 'eu.registry.example.com/a', true],
    ['*.example.com/**', 'evilexample.com/a', false],
    ['*.example.com/**', 'evil.com/x.example.com/a', false],
    ['*.example.com/team/*', 'r.example.com/team/a', true],
    ['**', 'anything.io/x', true],
  ];
  for (const [pattern, image, matches] of table)
    assert.equal(matchingRules([rule({ images: [pattern] })], ref(image)).length === 1, matches, `${pattern} ${image}`);
});

test('a reference by digest alone does not escape a tag-scoped rule (T6)', () => {
  const scoped = [rule({ tags: ['prod-*'] })];
  assert.equal(matchingRules(scoped, ref('x:prod-1')).length, 1);
  assert.equal(matchingRules(scoped, ref('x:dev')).length, 0);
  assert.equal(matchingRules(scoped, ref(`x@${D}`)).length, 1);
});

const KEY = '-----BEGIN PUBLIC KEY-----\\nx\\n-----END PUBLIC KEY-----';
const authority = `authorities: {a: {keys: ["${KEY}"], transparencyLog: ignore}}\n`;
const broken: [text: string, message: RegExp][] = [
  ['rules: [{name: r, images: ["*/x"]}]\n', /expected host\/path with a literal host/],
  ['rules: [{name: r, images: [nginx]}]\n', /literal host/],
  ['rules: [{name: r, images: []}]\n', /at least one pattern/],
  [
    `${authority}rules: [{name: r, images: ["**"], signatures: {all: [b]}}]\n`,
    /authority 'b', which is not under authorities/,
  ],
  [
    `${authority}rules: [{name: r, images: ["**"], signatures: {all: []}}]\n`,
    /rules\.0\.signatures\.all: expected at least one/,
  ],
  [
    `${authority}rules: [{name: r, images: ["**"], signatures: {threshold: 2, of: [a, a]}}]\n`,
    /the threshold is larger than the number of authorities/,
  ],
  [`${authority}rules: [{name: r, images: ["**"]}, {name: r, images: ["**"]}]\n`, /two rules are called 'r'/],
  [`authorities: {a: {keys: ["${KEY}"], identities: [{issuer: x, subject: y}]}}\n`, /exactly one of keys, identities/],
  ['authorities: {a: {}}\n', /exactly one of keys, identities, notary, notation/],
  ['authorities: {a: {identities: []}}\n', /at least one identity/],
  ['authorities: {a: {identities: [{subject: y}]}}\n', /an issuer with every identity/],
  ['authorities: {a: {identities: [{issuer: x}]}}\n', /either subject \(exact\) or subjectPattern/],
  [
    'authorities: {a: {identities: [{issuer: x, subjectPattern: "^https://github.com/org/.*$"}]}}\n',
    /not a regular expression/,
  ],
  ['authorities: {a: {identities: [{issuer: x, subjectPattern: "https://github.com/*/app/x"}]}}\n', /too wide/],
  ['authorities: {a: {identities: [{issuer: x, subjectPattern: "**"}]}}\n', /too wide/],
  ['authorities: {a: {identities: [{issuer: x, subjectPattern: "*@*"}]}}\n', /too wide/],
  ['authorities: {a: {identities: [{issuer: x, subject: y, claims: {runner: z}}]}}\n', /expected claims among/],
  ['authorities: {a: {notary: {roots: []}}}\n', /no trust on first use/],
  ['authorities: {a: {notation: {trustStores: {}, trustedIdentities: ["*"]}}}\n', /trustStores\.ca or/],
  [
    `${authority}rules: [{name: r, images: ["**"], attestations: [{type: slsaprovenance1, by: {all: [a]}, condition: "predicate."}]}]\n`,
    /not a condition in CEL/,
  ],
  [
    `${authority}rules: [{name: r, images: ["**"], attestations: [{type: slsaprovenance1, by: {all: [a]}, condition: "1 + 1"}]}]\n`,
    /its type is int, expected bool/,
  ],
  [
    `${authority}rules: [{name: r, images: ["**"], attestations: [{type: nonsense, by: {all: [a]}}]}]\n`,
    /expected a predicate type/,
  ],
  ['rules: [{name: r, images: ["**"], registries: ["*"]}]\n', /expected a host/],
  ['authorities: {a: {keys: [x], transparencyLog: ignore}}\n', /expected a public key in PEM/],
];
for (const [text, message] of broken) {
  test(`a policy that cannot mean what it says is refused: ${text.slice(0, 50).trim()}`, () =>
    assert.throws(
      () => parseConfig(text, 'c'),
      (error) => message.test(String(error)),
    ));
}
