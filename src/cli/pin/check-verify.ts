// check --verify: does the lock's record of an image still meet the policy, and do the signatures still agree? The lock
// comes with the change that CI checks, so its evidence is compared and never believed in place of the signatures.

import { evaluateImage, type PolicyContext, resolveAllowed, scopeOf } from '../../evaluate/evaluate.ts';
import type { Found } from '../../flow.ts';
import { isPinned, printReference } from '../../image/reference.ts';
import { entryOf } from '../../lock/digests.ts';
import type { LockEvidence } from '../../lock/lock.ts';
import { authoritiesOfRule, type Config } from '../../policy/config.ts';
import { isUnchecked, objections } from '../../policy/decision.ts';
import { applicableRules } from '../../policy/match.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Finding } from '../../report/report.ts';
import { describeSigner, type Signer } from '../../verify/verify.ts';
import type { Context } from '../shared/command.ts';
import { findingAt } from '../shared/finding.ts';

export { loadPolicyContext, trustLines } from '../../evaluate/evaluate.ts';

/** Without network: the evidence beside each pin. */
export function checkEvidence(found: readonly Found[], policyContext: PolicyContext): Finding[] {
  return found.flatMap((item): Finding[] => {
    const { reference } = item;
    const rules = applicableRules(policyContext.config, reference, scopeOf(item), new Date()).rules;
    if (!isPinned(reference) || rules.every((rule) => authoritiesOfRule(rule).length === 0)) return [];
    const verified = entryOf(policyContext.lock, reference)?.verified;
    if (verified === undefined)
      return [
        findingAt(
          item,
          'evidence-missing',
          'warning',
          'pinned without evidence: nothing in the lock says who signed it',
        ),
      ];
    const stale = staleEvidence(verified, rules, policyContext);
    return stale === undefined ? [] : [findingAt(item, 'evidence-stale', 'error', stale)];
  });
}

function staleEvidence(
  verified: LockEvidence,
  rules: Config['rules'],
  { policy, signers }: PolicyContext,
): string | undefined {
  if (verified.policy !== policy) return 'it was verified under another policy than today’s';
  const asked = new Set(rules.flatMap(authoritiesOfRule));
  for (const { authority, keyId, subject } of verified.by) {
    if (!asked.has(authority)) continue;
    const signer = signers.find(({ name }) => name === authority);
    if (signer === undefined || !mayBeBy(signer, keyId, subject))
      return `the lock says that '${authority}' signed it with ${keyId ?? subject}, which is not that authority’s`;
  }
  return undefined;
}

/** Could the recorded key or name be this authority's? Only for keys is that certain. */
function mayBeBy(signer: Signer, keyId: string | undefined, subject: string | undefined): boolean {
  const { recordedBy, keyIds } = describeSigner(signer);
  switch (recordedBy) {
    case 'key':
      return keyId !== undefined && keyIds.includes(keyId);
    case 'subject':
      return subject !== undefined;
    case 'other':
      return true;
  }
}

/** With network: every pinned image before the policy. Images without digest are findings of their own. */
export async function checkAgainstPolicy(
  client: RegistryClient,
  found: readonly Found[],
  policyContext: PolicyContext,
  { progress }: Context,
): Promise<{ findings: Finding[]; problems: Problem[] }> {
  const pinned = found.filter(({ reference }) => reference.digest !== undefined);
  const answers = await resolveAllowed(
    client,
    pinned.map((item) => ({ reference: item.reference, scope: scopeOf(item) })),
    policyContext,
  );
  const groups = [
    ...Map.groupBy(pinned, (item) => `${printReference(item.reference)} ${JSON.stringify(scopeOf(item))}`).values(),
  ];
  const findings: Finding[] = [];
  const problems: Problem[] = [];
  let done = 0;
  await Promise.all(
    (groups as [Found, ...Found[]][]).map(async (places) => {
      const [first] = places;
      const answer = answers.get(printReference(first.reference));
      if (answer === undefined) return;
      const { decision } = await evaluateImage({
        client,
        reference: first.reference,
        resolved: answer,
        policyContext,
        scope: scopeOf(first),
      });
      progress.show(`verified ${++done} of ${groups.length} images`);
      if (decision.outcome === 'allow') return;
      const message = objections(decision) as string;
      if (isUnchecked(decision)) {
        const { file, line, column, reference } = first;
        problems.push(new Problem('unreachable', message, { file, line, column, image: reference.text }));
      } else {
        const denied = decision.outcome === 'deny';
        const [rule, level] = denied ? (['policy-denied', 'error'] as const) : (['policy-warned', 'warning'] as const);
        findings.push(...places.map((place) => findingAt(place, rule, level, message)));
      }
    }),
  );
  return { findings, problems };
}
