// The heart: may this image run? Pure: everything that it needs is given, and it says why for each demand of each rule.
import type { Decision, Evidence, Judgement, Reference, Resolved, Verdict } from '../flow.ts';
import { Problem } from '../problem.ts';
import { authoritiesOf, type Config, type Demand, type Rule } from './config.ts';
import { rulesFor } from './match.ts';

/**
 * @param resolved what will run: its digest is what the evidence is about. A Problem: nobody could say
 * @param evidence undefined where no rule asks for any
 */
export function decide(
  reference: Reference,
  resolved: Resolved | Problem,
  evidence: Evidence | undefined,
  policy: Pick<Config, 'rules'>,
  now: Date,
): Decision {
  const rules = rulesFor(policy.rules, reference);
  if (rules.length === 0) {
    const reason = 'no rule speaks for this image, so it is denied; add its repository to a rule in tagproof.yaml';
    return { outcome: 'deny', judgements: [{ rule: '(none)', ok: false, unchecked: false, reason }] };
  }
  const judgements = rules.flatMap((rule) => judge(rule, reference, resolved, evidence, now));
  const modes = new Map(rules.map(({ name, mode }) => [name, mode]));
  const failed = judgements.filter(({ ok }) => !ok);
  const enforced = failed.some(({ rule }) => modes.get(rule) === 'enforce');
  return { outcome: enforced ? 'deny' : failed.length > 0 ? 'warn' : 'allow', judgements };
}

function judge(
  rule: Rule,
  reference: Reference,
  resolved: Resolved | Problem,
  evidence: Evidence | undefined,
  now: Date,
): Judgement[] {
  const say = (ok: boolean, reason: string, unchecked = false): Judgement => ({
    rule: rule.name,
    ok,
    unchecked,
    reason,
  });
  const judgements: Judgement[] = [];
  if (rule.digest === 'required')
    judgements.push(
      reference.digest ? say(true, 'pinned to a digest') : say(false, 'must be pinned to a digest: run tagproof pin'),
    );
  const needsDigest =
    rule.digest === 'resolve' || rule.signatures !== undefined || rule.platforms.length > 0 || rule.minimumAgeDays > 0;
  if (needsDigest && resolved instanceof Problem)
    return [...judgements, say(false, `could not be resolved: ${resolved.message}`, true)];
  // Evidence about other bytes than those that will run is none (T2).
  const mine = !(resolved instanceof Problem) && evidence?.digest === resolved.digest ? evidence : undefined;
  if (rule.signatures !== undefined) judgements.push(judgeSignatures(rule.signatures, mine, say));
  for (const platform of rule.platforms) judgements.push(judgePlatform(platform, mine, say));
  if (rule.minimumAgeDays > 0) judgements.push(judgeAge(rule.minimumAgeDays, mine, now, say));
  return judgements.length > 0 ? judgements : [say(true, 'asks for nothing')];
}

type Say = (ok: boolean, reason: string, unchecked?: boolean) => Judgement;

function judgeSignatures(demand: Demand, evidence: Evidence | undefined, say: Say): Judgement {
  const names = authoritiesOf(demand);
  const verdictOf = (name: string) => evidence?.verdicts.get(name);
  const needed = 'all' in demand ? names.length : 'any' in demand ? 1 : demand.threshold;
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
    case 'verified':
      return `signed by ${verdict.by}`;
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

function judgePlatform(platform: string, evidence: Evidence | undefined, say: Say): Judgement {
  const platforms = evidence?.platforms;
  if (platforms === undefined) return say(false, `must have ${platform}; could not be checked`, true);
  if (platforms instanceof Problem)
    return say(false, `must have ${platform}; could not be checked: ${platforms.message}`, true);
  return platforms.includes(platform)
    ? say(true, `has ${platform}`)
    : say(false, `must have ${platform}, has only ${platforms.join(', ') || 'none that it names'}`);
}

function judgeAge(days: number, evidence: Evidence | undefined, now: Date, say: Say): Judgement {
  const since = evidence?.firstSeen === undefined ? Number.NaN : Date.parse(evidence.firstSeen);
  if (Number.isNaN(since))
    return say(false, `must have been known for ${days} days; tagproof.lock does not know this digest yet`);
  const age = (now.getTime() - since) / 86_400_000;
  return age >= days
    ? say(true, `known for ${Math.floor(age)} days`)
    : say(false, `must have been known for ${days} days, is known for ${Math.max(0, Math.floor(age))}`);
}
