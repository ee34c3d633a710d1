// pin --verify: only digests that pass the policy are written. What is judged is the very reference that would be written.

import { type Evaluation, evaluateImage, lockEvidence, type PolicyContext, scopeOf } from '../../evaluate/evaluate.ts';
import type { Found, Resolution } from '../../flow.ts';
import { printReference, withDigest, withoutDigest } from '../../image/reference.ts';
import type { LockEvidence } from '../../lock/lock.ts';
import { forbiddenRegistry } from '../../policy/decide.ts';
import { isUnchecked, objections } from '../../policy/decision.ts';
import { applicableRulesKey } from '../../policy/match.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { plural } from '../../report/plural.ts';
import type { Finding } from '../../report/report.ts';
import { findingAt } from '../shared/finding.ts';

export { loadPolicyContext, trustLines } from '../../evaluate/evaluate.ts';

export type Verified = {
  /** The answers, with a Problem where the policy could not be checked. */
  readonly answers: Map<string, Resolution>;
  /** What the policy denies; by the same key as the answers. */
  readonly denied: ReadonlyMap<string, Evaluation>;
  /** By what it passed, for the lock. */
  readonly evidence: ReadonlyMap<string, LockEvidence>;
};

const keyOf = ({ reference }: Found) => printReference(withoutDigest(reference));

/** Images that a rule forbids to ask for: denied before anything is sent to their registry. */
export function splitForbidden(
  targets: readonly Found[],
  { config }: PolicyContext,
): { allowed: Found[]; findings: Finding[] } {
  const why = new Map(
    targets.map((found) => [found, forbiddenRegistry(found.reference, config, scopeOf(found), new Date())]),
  );
  return {
    allowed: targets.filter((found) => why.get(found) === undefined),
    findings: targets.flatMap((found) => {
      const reason = why.get(found);
      return reason === undefined ? [] : [findingAt(found, 'policy-denied', 'error', `not pinned: ${reason}`)];
    }),
  };
}

/**
 * @param answers by printReference of the reference without digest
 * @param targets the places that would be pinned: rules may speak for some namespaces or kinds only
 */
export async function verifyAnswers(
  client: RegistryClient,
  answers: ReadonlyMap<string, Resolution>,
  targets: readonly Found[],
  policyContext: PolicyContext,
): Promise<Verified> {
  const result = {
    answers: new Map(answers),
    denied: new Map<string, Evaluation>(),
    evidence: new Map<string, LockEvidence>(),
  };
  const places = Map.groupBy(targets, keyOf);
  await Promise.all(
    [...answers].map(async ([key, answer]) => {
      if (answer instanceof Problem) return;
      const reference = withDigest(answer.reference, answer.digest);
      // One digest a reference: it must pass wherever it would be written.
      const settings = distinctSettings(places.get(key) ?? [], reference, policyContext);
      const evaluation = await Promise.all(
        settings.map((scope) => evaluateImage({ client, reference, resolved: answer, policyContext, scope })),
      );
      const denied = evaluation.filter(({ decision }) => decision.outcome === 'deny');
      const sure = denied.find(({ decision }) => !isUnchecked(decision));
      const [worst = evaluation[0]] = [sure ?? denied[0]];
      if (sure !== undefined) result.denied.set(key, sure);
      else if (denied.length > 0)
        result.answers.set(
          key,
          new Problem('unreachable', objections((worst as Evaluation).decision) as string, { image: reference.text }),
        );
      else {
        const evidence = worst && lockEvidence(worst, policyContext);
        if (evidence !== undefined) result.evidence.set(key, evidence);
      }
    }),
  );
  return result;
}

/** One place for each set of rules that speak. */
function distinctSettings(places: readonly Found[], reference: Found['reference'], { config }: PolicyContext) {
  const settings = places.map(scopeOf);
  const bySpeakers = new Map(
    settings.map((scope) => [applicableRulesKey(config, reference, scope, new Date()), scope]),
  );
  return [...bySpeakers.values()];
}

/** One finding an image, at its first place. */
export function deniedFindings(targets: readonly Found[], denied: Verified['denied']): Finding[] {
  const groups = Map.groupBy(targets, keyOf);
  return [...denied].map(([key, { decision }]) => {
    const [first, ...more] = groups.get(key) as [Found, ...Found[]];
    const others = more.length > 0 ? ` (and ${plural(more.length, 'more place')})` : '';
    return findingAt(first, 'policy-denied', 'error', `not pinned: ${objections(decision)}${others}`);
  });
}
