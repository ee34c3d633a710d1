// Test cases of a policy: an image, the evidence about it, and the decision that is expected. Pure:
// a case sends no request.
import * as v from 'valibot';
import type { Attestation, Decision, Evidence, Resolved, Verdict } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { PREDICATE_TYPES } from '../sigstore/statement.ts';
import type { Config } from './config.ts';
import { decide } from './decide.ts';
import type { Policy } from './match.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));
const verdicts = v.record(text, v.picklist(['verified', 'unsigned', 'others', 'invalid', 'unchecked']));

const CaseSchema = v.strictObject({
  name: text,
  image: text,
  namespace: v.optional(text),
  kind: v.optional(text),
  /** What the tag resolves to, for an image without a digest. */
  digest: v.optional(text),
  /** By authority; one that is not named has no signature. */
  signatures: v.optional(verdicts, {}),
  /** By platform, for rules about the manifests of an index. */
  platformSignatures: v.optional(v.record(text, verdicts)),
  attestations: v.optional(
    v.array(
      v.strictObject({
        by: text,
        type: text,
        predicate: v.optional(v.unknown()),
        annotations: v.optional(v.record(v.string(), v.string()), {}),
      }),
    ),
    [],
  ),
  platforms: v.optional(v.array(text)),
  /** Days since the digest was first seen. */
  ageDays: v.optional(v.number()),
  expect: v.picklist(['allow', 'warn', 'deny']),
  /** Text that a reason must contain. */
  reason: v.optional(text),
});
export const CasesSchema = v.strictObject({
  cases: v.pipe(v.array(CaseSchema), v.nonEmpty('expected at least one case')),
});
export type Case = v.InferOutput<typeof CaseSchema>;

const ANY_DIGEST = `sha256:${'0'.repeat(64)}`;
const DAY_MS = 86_400_000;

/**
 * @returns the decision, and how it differs from the expected one; @throws Problem for an image or
 * authority that does not exist
 */
export function runCase(
  test: Case,
  policy: Policy & Pick<Config, 'authorities'>,
  now: Date,
): { decision: Decision; wrong?: string } {
  const reference = parseReference(test.image);
  if (reference instanceof Problem) throw reference;
  const named = [
    ...Object.keys(test.signatures),
    ...Object.values(test.platformSignatures ?? {}).flatMap((answers) => Object.keys(answers)),
    ...test.attestations.map(({ by }) => by),
  ];
  const unknown = named.find((name) => !Object.hasOwn(policy.authorities, name));
  if (unknown !== undefined)
    throw new Problem('usage', `case '${test.name}' names the authority '${unknown}', which the policy does not have`);
  const digest = reference.digest ?? test.digest ?? ANY_DIGEST;
  const resolved: Resolved = { reference, digest, from: 'registry', at: now.toISOString() };
  const { namespace, kind } = test;
  const decision = decide({
    reference,
    resolved,
    evidence: evidenceOf(test, digest, policy, now),
    policy,
    now,
    scope: { ...(namespace !== undefined && { namespace }), ...(kind !== undefined && { kind }) },
  });
  const reasons = decision.results.map(
    ({ rule, ok, reason }) => `${ok ? 'met' : 'not met'}: rule '${rule}': ${reason}`,
  );
  if (decision.outcome !== test.expect)
    return { decision, wrong: `expected ${test.expect}, got ${decision.outcome}. ${reasons.join('; ')}` };
  if (test.reason !== undefined && !reasons.some((reason) => reason.includes(test.reason as string)))
    return {
      decision,
      wrong: `${decision.outcome} as expected, but no reason contains '${test.reason}'. ${reasons.join('; ')}`,
    };
  return { decision };
}

function evidenceOf(test: Case, digest: string, { authorities }: Pick<Config, 'authorities'>, now: Date): Evidence {
  const proof = { by: 'the test case', layout: 'bundle', times: [], annotations: {} } as const;
  const verdictsOf = (given: Case['signatures']): Map<string, Verdict> =>
    new Map(Object.keys(authorities).map((name) => [name, verdictOf(given[name] ?? 'unsigned')]));
  const verdictOf = (kind: Verdict['kind']): Verdict => {
    switch (kind) {
      case 'verified':
        return { kind, ...proof };
      case 'unsigned':
        return { kind };
      case 'others':
        return { kind, count: 1 };
      case 'invalid':
        return { kind, reasons: ['the test case says so'] };
      case 'unchecked':
        return { kind, problem: new Problem('unreachable', 'the test case says so') };
    }
  };
  const verified = test.attestations.map(
    ({ by, type, predicate, annotations }): Attestation => ({
      ...proof,
      annotations,
      authority: by,
      predicateType: PREDICATE_TYPES[type] ?? type,
      predicate,
    }),
  );
  return {
    digest,
    verdicts: verdictsOf(test.signatures),
    attestations: { verified, problems: new Map() },
    children: Object.entries(test.platformSignatures ?? {}).map(([platform, given]) => ({
      platform,
      digest,
      verdicts: verdictsOf(given),
    })),
    ...(test.platforms !== undefined && { platforms: test.platforms }),
    ...(test.ageDays !== undefined && { firstSeen: new Date(now.getTime() - test.ageDays * DAY_MS).toISOString() }),
  };
}
