// One rule against one image: a result for each demand of the rule. Pure.
import type { Evidence, Reference, Resolution, Resolved, RuleResult } from '../flow.ts';
import { matchesHost } from '../image/hosts.ts';
import { Problem } from '../problem.ts';
import { type DemandName, type Rule, ruleNeedsDigest } from './config.ts';
import { evaluateAttestation } from './demand-attestation.ts';
import type { Say } from './demand-result.ts';
import { evaluateChildren, evaluateSignatures } from './demand-signatures.ts';

export type RuleInput = {
  readonly rule: Rule;
  readonly reference: Reference;
  readonly resolved: Resolution;
  readonly evidence: Evidence | undefined;
  readonly now: Date;
};

export function evaluateRule({ rule, reference, resolved, evidence, now }: RuleInput): RuleResult[] {
  const say: Say = (ok, reason, unchecked = false) => ({ rule: rule.name, ok, unchecked, reason });
  if (rule.unusable !== undefined) return [say(false, rule.unusable, true)];
  const registry = REFERENCE_DEMANDS.registries(rule, reference, say);
  // No request goes to a registry that is not allowed, so nothing more can be known about this
  // image.
  if (registry.some(({ ok }) => !ok)) return registry;
  const results = [...registry, ...REFERENCE_DEMANDS.digest(rule, reference, say)];
  if (resolved instanceof Problem) {
    if (ruleNeedsDigest(rule)) results.push(say(false, `could not be resolved: ${resolved.message}`, true));
  } else {
    // Evidence about other bytes than those that will run is no evidence (T2).
    const own = evidence?.digest === resolved.digest ? evidence : undefined;
    const input: DigestInput = { rule, reference, resolved, evidence: own, now, say };
    for (const evaluate of Object.values(DIGEST_DEMANDS)) results.push(...evaluate(input));
  }
  return results.length > 0 ? results : [say(true, 'the rule has no demands')];
}

/** Demands that the reference alone answers. */
type ReferenceDemand = 'registries' | 'digest';

const REFERENCE_DEMANDS: Readonly<
  Record<ReferenceDemand, (rule: Rule, reference: Reference, say: Say) => RuleResult[]>
> = {
  registries({ registries }, { registry }, say) {
    if (registries === undefined) return [];
    return matchesHost(registries, registry)
      ? [say(true, `comes from ${registry}`)]
      : [say(false, `must come from ${registries.join(' or ')}, comes from ${registry}`)];
  },
  digest({ digest }, reference, say) {
    if (digest !== 'required') return [];
    return reference.digest === undefined
      ? [say(false, 'must be pinned to a digest: run tagproof pin')]
      : [say(true, 'pinned to a digest')];
  },
};

type DigestInput = {
  readonly rule: Rule;
  readonly reference: Reference;
  readonly resolved: Resolved;
  /** About the digest that was resolved, or undefined. */
  readonly evidence: Evidence | undefined;
  readonly now: Date;
  readonly say: Say;
};

/**
 * Demands about the digest, in the order in which a decision lists them. A demand without a row
 * does not compile.
 */
const DIGEST_DEMANDS: Readonly<Record<Exclude<DemandName, ReferenceDemand>, (input: DigestInput) => RuleResult[]>> = {
  signatures({ rule, evidence, say }) {
    const { signatures, signed, platforms } = rule;
    if (signatures === undefined) return [];
    return [
      ...(signed === 'platforms' ? [] : [evaluateSignatures(signatures, evidence?.verdicts, say)]),
      ...(signed === 'digest' ? [] : evaluateChildren({ demand: signatures, signed, platforms, evidence, say })),
    ];
  },
  attestations: ({ rule, evidence, say }) =>
    rule.attestations.map((demand) => evaluateAttestation(demand, evidence?.attestations, say)),
  platforms: ({ rule, evidence, say }) => rule.platforms.map((platform) => evaluatePlatform(platform, evidence, say)),
  tagAgrees({ rule, reference, evidence, say }) {
    if (!rule.tagAgrees || reference.tag === undefined || reference.digest === undefined) return [];
    return [evaluateTagAgreement(reference, evidence?.tagNow, say)];
  },
  noRollback: ({ rule, resolved, say }) => (rule.noRollback ? [evaluateTagHistory(resolved, say)] : []),
  minimumAgeDays: ({ rule, evidence, now, say }) =>
    rule.minimumAgeDays > 0 ? [evaluateAge(rule.minimumAgeDays, evidence, now, say)] : [],
};

function evaluatePlatform(platform: string, evidence: Evidence | undefined, say: Say): RuleResult {
  const platforms = evidence?.platforms;
  if (platforms === undefined) return say(false, `must have ${platform}; could not be checked`, true);
  if (platforms instanceof Problem)
    return say(false, `must have ${platform}; could not be checked: ${platforms.message}`, true);
  return platforms.includes(platform)
    ? say(true, `has ${platform}`)
    : say(false, `must have ${platform}, has only ${platforms.join(', ') || 'manifests that name no platform'}`);
}

/** T5: the runtime ignores the tag beside a digest, so the tag may mislead its readers. */
function evaluateTagAgreement({ tag, digest }: Reference, now: string | Problem | undefined, say: Say): RuleResult {
  const demand = `the tag ${tag} must still resolve to this digest`;
  if (now === undefined) return say(false, `${demand}; could not be checked: the tag was not resolved`, true);
  if (now instanceof Problem) return say(false, `${demand}; could not be checked: ${now.message}`, true);
  return now === digest
    ? say(true, `the tag ${tag} resolves to this digest`)
    : say(false, `${demand}, and resolves to ${now} now`);
}

/** T7: a tag that returns to an old digest brings back what the old image was replaced for. */
function evaluateTagHistory({ leftAt }: Resolved, say: Say): RuleResult {
  if (leftAt === undefined) return say(true, 'the tag did not return to an old digest, as far as is known');
  return say(false, `the tag returned to a digest that it left at ${leftAt}`);
}

function evaluateAge(days: number, evidence: Evidence | undefined, now: Date, say: Say): RuleResult {
  const since = evidence?.firstSeen === undefined ? Number.NaN : Date.parse(evidence.firstSeen);
  if (Number.isNaN(since))
    return say(false, `must have been known for ${days} days; tagproof.lock has no record of this digest yet`);
  const age = (now.getTime() - since) / 86_400_000;
  return age >= days
    ? say(true, `known for ${Math.floor(age)} days`)
    : say(false, `must have been known for ${days} days, is known for ${Math.max(0, Math.floor(age))}`);
}
