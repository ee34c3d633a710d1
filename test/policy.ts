// Short forms for tests of the policy: references, rules, evidence, decisions.
import type { Attestation, Decision, Evidence, Reference, Resolved, Verdict } from '../src/flow.ts';
import { parseReference } from '../src/image/reference.ts';
import type { Rule } from '../src/policy/config.ts';
import type { DecisionInput } from '../src/policy/decide.ts';
import { decide } from '../src/policy/decide.ts';
import { Problem } from '../src/problem.ts';

export const DIGEST = `sha256:${'a'.repeat(64)}`;
export const OTHER_DIGEST = `sha256:${'b'.repeat(64)}`;
export const NOW = new Date('2026-06-10T00:00:00Z');
export const PUBLIC_KEY = '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----';
export const TYPE = 'https://example.com/test/v1';

export const referenceOf = (text: string): Reference => {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  return reference;
};

/** A rule for every image without demands, and what the test adds to it. */
export const ruleOf = (more: Partial<Rule> = {}): Rule => ({
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

export const resolvedOf = (text: string, more: Partial<Resolved> = {}): Resolved => ({
  reference: referenceOf(text),
  digest: DIGEST,
  from: 'registry',
  at: '2026-06-10T00:00:00Z',
  ...more,
});

export const DOWN = new Problem('unreachable', 'the registry is down');
export const PROOF = { by: 'key 1', layout: 'bundle', times: [], annotations: {} } as const;
export const VERIFIED: Verdict = { kind: 'verified', ...PROOF };
export const UNSIGNED: Verdict = { kind: 'unsigned' };
export const OTHERS: Verdict = { kind: 'others', count: 1 };
export const INVALID: Verdict = { kind: 'invalid', reasons: ['the certificate ended'] };
export const UNCHECKED: Verdict = { kind: 'unchecked', problem: DOWN };

export const evidenceOf = (verdicts: Record<string, Verdict> = {}, more: Partial<Evidence> = {}): Evidence => ({
  digest: DIGEST,
  verdicts: new Map(Object.entries(verdicts)),
  ...more,
});

export const attestationOf = (authority: string, more: Partial<Attestation> = {}): Attestation => ({
  ...PROOF,
  authority,
  predicateType: TYPE,
  predicate: { n: 1 },
  ...more,
});

/** Decides about `x:1` with its digest known and no evidence, but for what the test says. */
export function decisionOf(
  rules: readonly Rule[],
  { image = 'x:1', ...more }: Partial<DecisionInput> & { image?: string } = {},
): Decision {
  return decide({
    reference: referenceOf(image),
    resolved: resolvedOf(image),
    evidence: undefined,
    policy: { rules, exemptions: [] },
    now: NOW,
    ...more,
  });
}

/** `deny?: reason; reason`, with a question mark where the image might pass if all could be checked. */
export const summaryOf = ({ outcome, results }: Decision): string =>
  `${outcome}${results.some(({ ok, unchecked }) => !ok && unchecked) ? '?' : ''}: ${results.map(({ reason }) => reason).join('; ')}`;
