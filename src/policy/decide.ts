// The heart: may this image run? Pure: everything that it needs is given, and it says why for each demand of each rule.
import type { Decision, Evidence, Reference, Resolved, RuleResult, Scope, Verdict, Verdicts } from '../flow.ts';
import { matchesHost } from '../image/hosts.ts';
import { Problem } from '../problem.ts';
import { holds } from './condition.ts';
import { type AttestationDemand, asksForDigest, authoritiesOf, type Demand, type Rule } from './config.ts';
import { applicableRules, isWatched, type Policy } from './match.ts';

/**
 * @param resolved what will run: its digest is what the evidence is about. A Problem: nobody could say
 * @param evidence undefined where no rule asks for any
 * @param scope where it would run
 */
export function decide(
  reference: Reference,
  resolved: Resolved | Problem,
  evidence: Evidence | undefined,
  policy: Policy,
  now: Date,
  scope: Scope = {},
): Decision {
  const blocked = policy.blocked?.find(
    ({ digest }) => digest === reference.digest || (!(resolved instanceof Problem) && digest === resolved.digest),
  );
  if (blocked !== undefined) {
    const reason = `${blocked.digest} must never run again: ${blocked.reason}`;
    return { outcome: 'deny', results: [{ rule: '(blocked)', ok: false, unchecked: false, reason }] };
  }
  if (resolved instanceof Problem && reference.digest === undefined && isWatched(policy, reference)) {
    const reason = `its repository has images that must never run again, and it could not be resolved: ${resolved.message}`;
    return { outcome: 'deny', results: [{ rule: '(blocked)', ok: false, unchecked: true, reason }] };
  }
  const { rules, exemption } = applicableRules(policy, reference, scope, now);
  if (rules.length === 0 && exemption !== undefined) {
    const until = exemption.until === undefined ? '' : ` until ${exemption.until}`;
    const reason = `exempt${until}: ${exemption.reason}`;
    return { outcome: 'allow', results: [{ rule: '(exemption)', ok: true, unchecked: false, reason }] };
  }
  if (rules.length === 0) {
    const reason = 'no rule speaks for this image, so it is denied; add its repository to a rule in tagproof.yaml';
    return { outcome: 'deny', results: [{ rule: '(none)', ok: false, unchecked: false, reason }] };
  }
  const results = rules.flatMap((rule) => evaluateRule(rule, reference, resolved, evidence, now));
  const modes = new Map(rules.map(({ name, mode }) => [name, mode]));
  const failed = results.filter(({ ok }) => !ok);
  const enforced = failed.some(({ rule }) => modes.get(rule) === 'enforce');
  return { outcome: enforced ? 'deny' : failed.length > 0 ? 'warn' : 'allow', results };
}

/** The judgement of rules that name registries, before anything is sent to the image's own; undefined: go on. */
export function forbiddenRegistry(reference: Reference, policy: Policy, scope: Scope, now: Date): string | undefined {
  const rule = applicableRules(policy, reference, scope, now).rules.find(
    ({ mode, registries }) =>
      mode === 'enforce' && registries !== undefined && !matchesHost(registries, reference.registry),
  );
  return rule && `nothing was sent to ${reference.registry}: rule '${rule.name}' does not allow this registry`;
}

function evaluateRule(
  rule: Rule,
  reference: Reference,
  resolved: Resolved | Problem,
  evidence: Evidence | undefined,
  now: Date,
): RuleResult[] {
  const say: Say = (ok, reason, unchecked = false) => ({ rule: rule.name, ok, unchecked, reason });
  const { signatures, signed, attestations, registries, platforms, minimumAgeDays } = rule;
  const results: RuleResult[] = [];
  if (rule.unusable !== undefined) return [say(false, rule.unusable, true)];
  if (registries !== undefined) {
    if (!matchesHost(registries, reference.registry))
      return [say(false, `must come from ${registries.join(' or ')}, comes from ${reference.registry}`)];
    results.push(say(true, `comes from ${reference.registry}`));
  }
  if (rule.digest === 'required')
    results.push(
      reference.digest ? say(true, 'pinned to a digest') : say(false, 'must be pinned to a digest: run tagproof pin'),
    );
  if (asksForDigest(rule) && resolved instanceof Problem)
    return [...results, say(false, `could not be resolved: ${resolved.message}`, true)];
  // Evidence about other bytes than those that will run is none (T2).
  const mine = !(resolved instanceof Problem) && evidence?.digest === resolved.digest ? evidence : undefined;
  if (signatures !== undefined && signed !== 'platforms')
    results.push(evaluateSignatures(signatures, mine?.verdicts, say));
  if (signatures !== undefined && signed !== 'digest') results.push(...evaluateChildren(rule, signatures, mine, say));
  for (const demand of attestations) results.push(evaluateAttestation(demand, mine, say));
  for (const platform of platforms) results.push(evaluatePlatform(platform, mine, say));
  if (rule.tagAgrees && reference.tag !== undefined && reference.digest !== undefined)
    results.push(evaluateTagAgreement(reference, mine?.tagNow, say));
  if (rule.noRollback && !(resolved instanceof Problem)) results.push(evaluateRollback(resolved, say));
  if (minimumAgeDays > 0) results.push(evaluateAge(minimumAgeDays, mine, now, say));
  return results.length > 0 ? results : [say(true, 'asks for nothing')];
}

type Say = (ok: boolean, reason: string, unchecked?: boolean) => RuleResult;

/** How many of the different authorities a demand needs. */
function neededOf(demand: Demand): number {
  return 'all' in demand ? authoritiesOf(demand).length : 'any' in demand ? 1 : demand.threshold;
}

function evaluateSignatures(demand: Demand, verdicts: Verdicts | undefined, say: Say): RuleResult {
  const names = authoritiesOf(demand);
  const verdictOf = (name: string) => verdicts?.get(name);
  const needed = neededOf(demand);
  const verified = names.filter((name) => verdictOf(name)?.kind === 'verified');
  const asked = names.length === 1 ? `'${names[0]}'` : `${needed} of ${names.map((name) => `'${name}'`).join(', ')}`;
  // A demand for nobody is never met (T23).
  if (names.length > 0 && verified.length >= needed)
    return say(true, `signed by ${verified.map((name) => `'${name}'`).join(', ')}`);
  const open = names.filter((name) => !verified.includes(name));
  const unchecked = open.filter((name) => (verdictOf(name)?.kind ?? 'unchecked') === 'unchecked').length;
  const reasons = open.map((name) => `'${name}': ${describe(verdictOf(name))}`).join('; ');
  // Could the missing ones, had they been checked, have met the demand? Then we do not know; else it fails for sure.
  return say(false, `must be signed by ${asked}. ${reasons}`, verified.length + unchecked >= needed && unchecked > 0);
}

/** A verdict in a person's words. */
export function describe(verdict: Verdict | undefined): string {
  switch (verdict?.kind) {
    case 'verified': {
      const when = verdict.times[0] === undefined ? '' : `, ${verdict.times[0].slice(0, 19)}Z`;
      const entry = verdict.logIndex === undefined ? '' : `, log entry ${verdict.logIndex}`;
      return `signed by ${verdict.by}${when}${entry}`;
    }
    case 'unsigned':
      return 'not signed at all';
    case 'others':
      return `signed, but not by this authority (${verdict.count} other signature${verdict.count === 1 ? '' : 's'})`;
    case 'invalid':
      return `signature not in order: ${verdict.reasons.join('; ')}`;
    case 'unchecked':
      return `could not be checked: ${verdict.problem.message}`;
    case undefined:
      return 'could not be checked: nobody looked';
  }
}

/** The manifests of an index, each on its own: only the named platforms where the rule names some (T9). */
function evaluateChildren(
  { platforms, signed }: Rule,
  demand: Demand,
  evidence: Evidence | undefined,
  say: Say,
): RuleResult[] {
  const children = evidence?.children;
  if (children === undefined) return [say(false, 'the manifests of its platforms could not be checked', true)];
  if (children instanceof Problem)
    return [say(false, `the manifests of its platforms could not be checked: ${children.message}`, true)];
  // A manifest that names no platform may run on any.
  const asked = children.filter(
    ({ platform }) => platforms.length === 0 || platform === undefined || platforms.includes(platform),
  );
  // One manifest without an index is its own platform; with `both` it has been judged already.
  if (asked.length === 0) return signed === 'both' ? [] : [evaluateSignatures(demand, evidence?.verdicts, say)];
  return asked.map(({ platform, digest, verdicts }) =>
    evaluateSignatures(demand, verdicts, (ok, reason, unchecked) =>
      say(ok, `${platform ?? digest}: ${reason}`, unchecked),
    ),
  );
}

/** Each authority counts when one of its statements of this type meets the condition. */
function evaluateAttestation(
  { type, by, condition }: AttestationDemand,
  evidence: Evidence | undefined,
  say: Say,
): RuleResult {
  const names = authoritiesOf(by);
  const needed = neededOf(by);
  const all = evidence?.attestations;
  if (all === undefined) return say(false, `must have a statement ${type}; could not be checked: nobody looked`, true);
  const met: string[] = [];
  const reasons: string[] = [];
  let open = 0;
  for (const name of names) {
    const problem = all.problems.get(name);
    const mine = all.verified.filter(({ authority, predicateType }) => authority === name && predicateType === type);
    const answers = mine.map((attestation) => (condition === undefined ? true : holds(condition, attestation)));
    if (answers.includes(true)) met.push(name);
    else if (problem !== undefined) {
      open++;
      reasons.push(`'${name}': could not be checked: ${problem.message}`);
    } else reasons.push(`'${name}': ${answers.length === 0 ? 'has made none' : answers.join('; ')}`);
  }
  if (names.length > 0 && met.length >= needed)
    return say(true, `stated by ${met.map((name) => `'${name}'`).join(', ')}: ${type}`);
  return say(false, `must have a statement ${type}. ${reasons.join('; ')}`, open > 0 && met.length + open >= needed);
}

function evaluatePlatform(platform: string, evidence: Evidence | undefined, say: Say): RuleResult {
  const platforms = evidence?.platforms;
  if (platforms === undefined) return say(false, `must have ${platform}; could not be checked`, true);
  if (platforms instanceof Problem)
    return say(false, `must have ${platform}; could not be checked: ${platforms.message}`, true);
  return platforms.includes(platform)
    ? say(true, `has ${platform}`)
    : say(false, `must have ${platform}, has only ${platforms.join(', ') || 'none that it names'}`);
}

/** T5: what stands before the digest is words, and words may lie. */
function evaluateTagAgreement({ tag, digest }: Reference, now: string | Problem | undefined, say: Say): RuleResult {
  if (now === undefined || now instanceof Problem)
    return say(
      false,
      `the tag ${tag} must still be this digest; could not be checked: ${now?.message ?? 'nobody looked'}`,
      true,
    );
  return now === digest
    ? say(true, `the tag ${tag} is this digest`)
    : say(false, `the tag ${tag} must still be this digest, and is ${now} now`);
}

function evaluateRollback({ leftAt }: Resolved, say: Say): RuleResult {
  if (leftAt === undefined) return say(true, 'the tag has not been seen to go back');
  return say(false, `the tag went back to a digest that it had left at ${leftAt}`);
}

function evaluateAge(days: number, evidence: Evidence | undefined, now: Date, say: Say): RuleResult {
  const since = evidence?.firstSeen === undefined ? Number.NaN : Date.parse(evidence.firstSeen);
  if (Number.isNaN(since))
    return say(false, `must have been known for ${days} days; tagproof.lock does not know this digest yet`);
  const age = (now.getTime() - since) / 86_400_000;
  return age >= days
    ? say(true, `known for ${Math.floor(age)} days`)
    : say(false, `must have been known for ${days} days, is known for ${Math.max(0, Math.floor(age))}`);
}
