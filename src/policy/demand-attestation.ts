// One entry of the demand `attestations` of a rule: who must have attested what, and what must be
// true in it.
import type { Attestations, RuleResult } from '../flow.ts';
import { holds } from './condition.ts';
import { type AttestationDemand, authoritiesOf } from './config.ts';
import { neededOf, quoted, type Say } from './demand-result.ts';

/** An authority counts when one of its own attestations of this type meets the condition. */
export function evaluateAttestation(
  { type, by, condition }: AttestationDemand,
  attestations: Attestations | undefined,
  say: Say,
): RuleResult {
  const demand = `must have an attestation of type ${type}`;
  if (attestations === undefined)
    return say(false, `${demand}; could not be checked: no attestations were fetched`, true);
  const names = authoritiesOf(by);
  const needed = neededOf(by);
  const met: string[] = [];
  const reasons: string[] = [];
  let unchecked = 0;
  for (const name of names) {
    const problem = attestations.problems.get(name);
    const answers = attestations.verified
      .filter(({ authority, predicateType }) => authority === name && predicateType === type)
      .map((attestation) => (condition === undefined ? true : holds(condition, attestation)));
    if (answers.includes(true)) met.push(name);
    else if (problem !== undefined) {
      unchecked++;
      reasons.push(`'${name}': could not be checked: ${problem.message}`);
    } else reasons.push(`'${name}': ${answers.length === 0 ? 'made no such attestation' : answers.join('; ')}`);
  }
  // A demand that names no authority is never met (T23).
  if (names.length > 0 && met.length >= needed) return say(true, `attested by ${quoted(met)}: ${type}`);
  return say(false, `${demand}. ${reasons.join('; ')}`, unchecked > 0 && met.length + unchecked >= needed);
}
