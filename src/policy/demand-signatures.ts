// The demand `signatures` of a rule: who must have signed the digest, the manifests of its
// platforms, or both. Pure.
import type { Evidence, RuleResult, Verdict, Verdicts } from '../flow.ts';
import { Problem } from '../problem.ts';
import { authoritiesOf, type Demand, type Rule } from './config.ts';
import { neededOf, quoted, type Say } from './demand-result.ts';

export function evaluateSignatures(demand: Demand, verdicts: Verdicts | undefined, say: Say): RuleResult {
  const names = authoritiesOf(demand);
  const verdictOf = (name: string) => verdicts?.get(name);
  const needed = neededOf(demand);
  const verified = names.filter((name) => verdictOf(name)?.kind === 'verified');
  // A demand that names no authority is never met (T23).
  if (names.length > 0 && verified.length >= needed) return say(true, `signed by ${quoted(verified)}`);
  const missing = names.filter((name) => !verified.includes(name));
  const unchecked = missing.filter((name) => (verdictOf(name)?.kind ?? 'unchecked') === 'unchecked').length;
  const reasons = missing.map((name) => `'${name}': ${describeVerdict(verdictOf(name))}`).join('; ');
  const wanted = names.length === 1 ? quoted(names) : `${needed} of ${quoted(names)}`;
  // If the unchecked authorities could still meet the demand, the answer is not known. Else it
  // fails for sure.
  return say(false, `must be signed by ${wanted}. ${reasons}`, verified.length + unchecked >= needed && unchecked > 0);
}

/** A verdict as users read it. */
export function describeVerdict(verdict: Verdict | undefined): string {
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
      return `invalid signature: ${verdict.reasons.join('; ')}`;
    case 'unchecked':
      return `could not be checked: ${verdict.problem.message}`;
    case undefined:
      return 'could not be checked: no signatures were fetched';
  }
}

export type ChildrenInput = Pick<Rule, 'platforms' | 'signed'> & {
  readonly demand: Demand;
  readonly evidence: Evidence | undefined;
  readonly say: Say;
};

/**
 * Each manifest of an index on its own; only the named platforms where the rule names some (T9).
 */
export function evaluateChildren({ demand, platforms, signed, evidence, say }: ChildrenInput): RuleResult[] {
  const children = evidence?.children;
  if (children === undefined) return [say(false, 'the manifests of its platforms could not be checked', true)];
  if (children instanceof Problem)
    return [say(false, `the manifests of its platforms could not be checked: ${children.message}`, true)];
  // A manifest that names no platform may run on any.
  const relevant = children.filter(
    ({ platform }) => platforms.length === 0 || platform === undefined || platforms.includes(platform),
  );
  // An image of one manifest, without an index, is its own platform; with `both` it has its result
  // already.
  if (relevant.length === 0) return signed === 'both' ? [] : [evaluateSignatures(demand, evidence?.verdicts, say)];
  return relevant.map(({ platform, digest, verdicts }) =>
    evaluateSignatures(demand, verdicts, (ok, reason, unchecked) =>
      say(ok, `${platform ?? digest}: ${reason}`, unchecked),
    ),
  );
}
