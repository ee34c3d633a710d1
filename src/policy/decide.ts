// The core: may this image run? Pure: the caller gives all facts, and the decision says why for
// each demand of each rule.
import type { Decision, Evidence, Reference, Resolution, Scope } from '../flow.ts';
import { matchesHost } from '../image/hosts.ts';
import { Problem } from '../problem.ts';
import { evaluateRule } from './evaluate-rule.ts';
import { applicableRules, hasBlockedDigests, type Policy } from './match.ts';

export type DecisionInput = {
  readonly reference: Reference;
  /**
   * What will run: its digest is the subject of the evidence. A Problem: it could not be resolved.
   */
  readonly resolved: Resolution;
  /** Undefined where nothing was gathered. */
  readonly evidence: Evidence | undefined;
  readonly policy: Policy;
  readonly now: Date;
  /** Where the image would run; left out: nothing is known about it. */
  readonly scope?: Scope;
};

/** The blocklist comes first, then exemptions, then rules. Every rule that applies must be met. */
export function decide({ reference, resolved, evidence, policy, now, scope = {} }: DecisionInput): Decision {
  const digest = resolved instanceof Problem ? undefined : resolved.digest;
  const blocked = policy.blocked?.find((entry) => entry.digest === reference.digest || entry.digest === digest);
  if (blocked !== undefined) {
    const reason = `${blocked.digest} is on the blocklist: ${blocked.reason}`;
    return { outcome: 'deny', results: [{ rule: '(blocked)', ok: false, unchecked: false, reason }] };
  }
  // Whether this tag leads to a digest on the blocklist is unknown, so the image cannot pass.
  if (resolved instanceof Problem && reference.digest === undefined && hasBlockedDigests(policy, reference)) {
    const reason = `its repository has digests on the blocklist, and the tag could not be resolved: ${resolved.message}`;
    return { outcome: 'deny', results: [{ rule: '(blocked)', ok: false, unchecked: true, reason }] };
  }
  const { rules, exemption } = applicableRules(policy, reference, scope, now);
  if (rules.length === 0 && exemption !== undefined) {
    const until = exemption.until === undefined ? '' : ` until ${exemption.until}`;
    const reason = `exempt${until}: ${exemption.reason}`;
    return { outcome: 'allow', results: [{ rule: '(exemption)', ok: true, unchecked: false, reason }] };
  }
  if (rules.length === 0) {
    const reason = 'no rule applies to this image, so it is denied; add its repository to a rule in tagproof.yaml';
    return { outcome: 'deny', results: [{ rule: '(none)', ok: false, unchecked: false, reason }] };
  }
  let outcome: Decision['outcome'] = 'allow';
  const results = rules.flatMap((rule) => {
    const ofRule = evaluateRule({ rule, reference, resolved, evidence, now });
    if (ofRule.some(({ ok }) => !ok)) outcome = rule.mode === 'enforce' || outcome === 'deny' ? 'deny' : 'warn';
    return ofRule;
  });
  return { outcome, results };
}

/**
 * Evaluates `registries` before any request goes to the image's own registry. @returns why not;
 * undefined: go on
 */
export function forbiddenRegistry(reference: Reference, policy: Policy, scope: Scope, now: Date): string | undefined {
  const rule = applicableRules(policy, reference, scope, now).rules.find(
    ({ mode, registries }) =>
      mode === 'enforce' && registries !== undefined && !matchesHost(registries, reference.registry),
  );
  return rule && `no request was sent to ${reference.registry}: rule '${rule.name}' does not allow this registry`;
}
