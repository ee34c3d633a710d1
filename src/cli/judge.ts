// One image before the policy: its digest, the evidence that the rules ask for, the decision. Shared by verify and pin.
import type { Decision, Evidence, Reference, Resolution, Resolved, Verdict } from '../flow.ts';
import { tagKey, withDigest } from '../image/reference.ts';
import type { Lock } from '../lock/lock.ts';
import { authoritiesOf, type Config } from '../policy/config.ts';
import { decide } from '../policy/decide.ts';
import { rulesFor } from '../policy/match.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { readClosure } from '../resolve/closure.ts';
import { gatherVerdicts, type Signer } from '../verify/verify.ts';

export type Judged = {
  readonly resolved: Resolution;
  readonly evidence: Evidence | undefined;
  readonly decision: Decision;
};

/** @param reference as it will run: with its digest once it is pinned */
export async function judgeImage(
  client: RegistryClient,
  reference: Reference,
  resolved: Resolution,
  { config, signers, lock }: { config: Config; signers: readonly Signer[]; lock: Lock },
): Promise<Judged> {
  const evidence =
    resolved instanceof Problem
      ? undefined
      : await gatherEvidence(client, reference, resolved, { config, signers, lock });
  return { resolved, evidence, decision: decide(reference, resolved, evidence, config, new Date()) };
}

/** Only what the matching rules ask for; about the one digest that was resolved. */
async function gatherEvidence(
  client: RegistryClient,
  reference: Reference,
  { digest }: Resolved,
  { config, signers, lock }: { config: Config; signers: readonly Signer[]; lock: Lock },
): Promise<Evidence> {
  const rules = rulesFor(config.rules, reference);
  const asked = new Set(rules.flatMap(({ signatures }) => (signatures === undefined ? [] : authoritiesOf(signatures))));
  const subject = withDigest(reference, digest);
  const wanted = signers.filter(({ name }) => asked.has(name));
  const [verdicts, platforms] = await Promise.all([
    wanted.length === 0 ? new Map<string, Verdict>() : gatherVerdicts(client, subject, wanted),
    rules.some((rule) => rule.platforms.length > 0)
      ? readClosure(client, subject).then(
          (closure) => closure.platforms,
          (error) => asProblem(error, 'unreachable'),
        )
      : undefined,
  ]);
  const entry = lock.get(tagKey(reference));
  return {
    digest,
    verdicts,
    ...(platforms !== undefined && { platforms }),
    ...(entry?.digest === digest && { firstSeen: entry.firstSeen }),
  };
}

/** The demands that a decision failed on, could not check first; undefined when there are none. */
export function objections({ judgements }: Decision): string | undefined {
  const failed = judgements.filter(({ ok }) => !ok);
  return failed.length === 0 ? undefined : failed.map(({ rule, reason }) => `rule '${rule}': ${reason}`).join('; ');
}

/** True when the image might pass, had everything been checked: then it is a problem, not a finding. */
export function isOpen({ outcome, judgements }: Decision): boolean {
  return outcome !== 'allow' && judgements.some(({ ok, unchecked }) => !ok && unchecked);
}
