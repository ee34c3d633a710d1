// One rule: each demand met, not met, and not checked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DIGEST,
  DOWN,
  decisionOf,
  evidenceOf,
  OTHER_DIGEST,
  resolvedOf,
  ruleOf,
  summaryOf,
  VERIFIED,
} from '../../test/policy.ts';
import type { Evidence } from '../flow.ts';
import type { Rule } from './config.ts';

const SIGNED = { signatures: { all: ['a'] } };
const BOTH = `x:1@${DIGEST}`;
type Case = [
  name: string,
  demand: Partial<Rule>,
  given: Parameters<typeof decisionOf>[1] & { evidence?: Evidence },
  summary: RegExp,
];
const seen = (firstSeen: string) => ({ evidence: evidenceOf({}, { firstSeen }) });

const cases: Case[] = [
  // registries
  ['a registry of the list', { registries: ['docker.io'] }, {}, /^allow: comes from docker\.io$/],
  ['a registry below a domain', { registries: ['*.example.com'] }, { image: 'r.example.com/x:1' }, /^allow/],
  [
    'another registry',
    { registries: ['ghcr.io', 'quay.io'] },
    {},
    /^deny: must come from ghcr\.io or quay\.io, comes from docker\.io$/,
  ],
  ['no label boundary (T26)', { registries: ['*.example.com'] }, { image: 'evilexample.com/x:1' }, /^deny/],
  [
    'another registry: nothing else is known about the image',
    { ...SIGNED, registries: ['ghcr.io'] },
    { resolved: DOWN },
    /^deny: must come from ghcr\.io, comes from docker\.io$/,
  ],
  // digest
  ['required and missing', { digest: 'required' }, {}, /^deny: must be pinned to a digest: run tagproof pin$/],
  ['required and there', { digest: 'required' }, { image: BOTH }, /^allow: pinned to a digest$/],
  ['required and there needs no registry', { digest: 'required' }, { image: BOTH, resolved: DOWN }, /^allow/],
  ['resolve and resolved', { digest: 'resolve' }, {}, /^allow/],
  [
    'resolve and not resolved',
    { digest: 'resolve' },
    { resolved: DOWN },
    /^deny\?: could not be resolved: the registry is down$/,
  ],
  // what needs a digest fails without one, and stays open
  ['signatures, not resolved', SIGNED, { resolved: DOWN }, /^deny\?: could not be resolved/],
  ['attestations, not resolved', { attestations: [{ type: 't', by: { any: ['a'] } }] }, { resolved: DOWN }, /^deny\?/],
  ['platforms, not resolved', { platforms: ['linux/amd64'] }, { resolved: DOWN }, /^deny\?/],
  ['tagAgrees, not resolved', { tagAgrees: true }, { resolved: DOWN }, /^deny\?/],
  ['noRollback, not resolved', { noRollback: true }, { resolved: DOWN }, /^deny\?/],
  ['minimumAgeDays, not resolved', { minimumAgeDays: 1 }, { resolved: DOWN }, /^deny\?/],
  ['no demand needs it: not resolved does not matter', {}, { resolved: DOWN }, /^allow: the rule has no demands$/],
  // evidence
  ['evidence about this digest', SIGNED, { evidence: evidenceOf({ a: VERIFIED }) }, /^allow: signed by 'a'$/],
  [
    'evidence about another digest is none (T2)',
    SIGNED,
    { evidence: evidenceOf({ a: VERIFIED }, { digest: OTHER_DIGEST }) },
    /^deny\?/,
  ],
  [
    'a platform of another digest (T2)',
    { platforms: ['linux/amd64'] },
    { evidence: evidenceOf({}, { digest: OTHER_DIGEST, platforms: ['linux/amd64'] }) },
    /^deny\?/,
  ],
  [
    'no evidence is no signature',
    SIGNED,
    {},
    /^deny\?: must be signed by 'a'\. 'a': could not be checked: no signatures were fetched$/,
  ],
  // platforms
  [
    'a platform that is there',
    { platforms: ['linux/amd64'] },
    { evidence: evidenceOf({}, { platforms: ['linux/amd64', 'linux/arm64'] }) },
    /^allow: has linux\/amd64$/,
  ],
  [
    'a platform that is missing',
    { platforms: ['linux/arm64'] },
    { evidence: evidenceOf({}, { platforms: ['linux/amd64'] }) },
    /^deny: must have linux\/arm64, has only linux\/amd64$/,
  ],
  [
    'every platform counts',
    { platforms: ['linux/amd64', 'linux/arm64'] },
    { evidence: evidenceOf({}, { platforms: ['linux/amd64'] }) },
    /^deny: has linux\/amd64; must have linux\/arm64/,
  ],
  [
    'no platform is named',
    { platforms: ['linux/amd64'] },
    { evidence: evidenceOf({}, { platforms: [] }) },
    /^deny: .*has only manifests that name no platform$/,
  ],
  [
    'platforms that were not read',
    { platforms: ['linux/amd64'] },
    { evidence: evidenceOf() },
    /^deny\?: must have linux\/amd64; could not be checked$/,
  ],
  [
    'platforms that could not be read',
    { platforms: ['linux/amd64'] },
    { evidence: evidenceOf({}, { platforms: DOWN }) },
    /^deny\?: .*could not be checked: the registry is down$/,
  ],
  // tagAgrees (T5)
  [
    'the tag agrees',
    { tagAgrees: true },
    { image: BOTH, evidence: evidenceOf({}, { tagNow: DIGEST }) },
    /^allow: the tag 1 resolves to this digest$/,
  ],
  [
    'the tag moved',
    { tagAgrees: true },
    { image: BOTH, evidence: evidenceOf({}, { tagNow: OTHER_DIGEST }) },
    /^deny: the tag 1 must still resolve to this digest, and resolves to sha256:b{64} now$/,
  ],
  [
    'the tag was not resolved',
    { tagAgrees: true },
    { image: BOTH, evidence: evidenceOf() },
    /^deny\?: .*could not be checked: the tag was not resolved$/,
  ],
  ['the tag without evidence', { tagAgrees: true }, { image: BOTH }, /^deny\?/],
  [
    'the tag could not be resolved',
    { tagAgrees: true },
    { image: BOTH, evidence: evidenceOf({}, { tagNow: DOWN }) },
    /^deny\?: .*the registry is down$/,
  ],
  ['a tag alone agrees with itself', { tagAgrees: true }, {}, /^allow/],
  ['a digest alone has no tag', { tagAgrees: true }, { image: `x@${DIGEST}` }, /^allow/],
  // noRollback (T7)
  ['a tag that never left the digest', { noRollback: true }, {}, /^allow: the tag did not return/],
  [
    'a tag that returned',
    { noRollback: true },
    { resolved: resolvedOf('x:1', { leftAt: '2026-01-02T00:00:00Z' }) },
    /^deny: the tag returned to a digest that it left at 2026-01-02T00:00:00Z$/,
  ],
  [
    'a tag that returned, without the demand',
    {},
    { resolved: resolvedOf('x:1', { leftAt: '2026-01-02T00:00:00Z' }) },
    /^allow/,
  ],
  // minimumAgeDays
  [
    'too young',
    { minimumAgeDays: 7 },
    seen('2026-06-08T00:00:00Z'),
    /^deny: must have been known for 7 days, is known for 2$/,
  ],
  ['old enough, to the moment', { minimumAgeDays: 2 }, seen('2026-06-08T00:00:00Z'), /^allow: known for 2 days$/],
  ['a millisecond too young', { minimumAgeDays: 2 }, seen('2026-06-08T00:00:00.001Z'), /^deny/],
  ['from the future', { minimumAgeDays: 1 }, seen('2026-07-01T00:00:00Z'), /^deny: .*is known for 0$/],
  [
    'no record',
    { minimumAgeDays: 2 },
    { evidence: evidenceOf() },
    /^deny: .*tagproof\.lock has no record of this digest yet$/,
  ],
  ['no evidence', { minimumAgeDays: 2 }, {}, /^deny/],
  ['a moment that is none', { minimumAgeDays: 2 }, seen('yesterday'), /^deny/],
  // a policy that could not be read
  [
    'an unusable rule is never met, and stays open',
    { unusable: 'the policy p cannot be used' },
    {},
    /^deny\?: the policy p cannot be used$/,
  ],
  [
    'an unusable rule with demands that are met',
    { unusable: 'no', digest: 'required' },
    { image: BOTH },
    /^deny\?: no$/,
  ],
];
for (const [name, demand, given, summary] of cases)
  test(`rule: ${name}`, () => assert.match(summaryOf(decisionOf([ruleOf(demand)], given)), summary));

test('a result for each demand, under the name of the rule', () => {
  const rule = ruleOf({
    name: 'strict',
    registries: ['docker.io'],
    digest: 'required',
    minimumAgeDays: 1,
    noRollback: true,
  });
  const { results } = decisionOf([rule], { image: BOTH });
  assert.deepEqual(
    results.map((result) => `${result.rule} ${result.ok} ${result.unchecked}`),
    ['strict true false', 'strict true false', 'strict true false', 'strict false false'],
  );
});
