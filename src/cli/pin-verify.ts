// pin --verify: only digests that pass the policy are written. What is judged is the very reference that would be written.
import type { Found, Resolution } from '../flow.ts';
import { printReference, withDigest, withoutDigest } from '../image/reference.ts';
import type { Lock } from '../lock/lock.ts';
import type { Config } from '../policy/config.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Finding } from '../report/report.ts';
import { loadSigners } from '../verify/verify.ts';
import { findingAt } from './finding.ts';
import { isOpen, type Judged, judgeImage, objections } from './judge.ts';
import { plural } from './scan.ts';

export type Verified = {
  /** The answers, with a Problem where the policy could not be checked. */
  readonly answers: Map<string, Resolution>;
  /** What the policy denies; by the same key as the answers. */
  readonly denied: ReadonlyMap<string, Judged>;
  /** The authorities that signed, for the lock. */
  readonly signedBy: ReadonlyMap<string, readonly string[]>;
};

/** @param answers by printReference of the reference without digest */
export async function verifyAnswers(
  client: RegistryClient,
  answers: ReadonlyMap<string, Resolution>,
  config: Config,
  lock: Lock,
): Promise<Verified> {
  if (config.rules.length === 0)
    throw new Problem('usage', '--verify asks the rules of tagproof.yaml, and there are none');
  const signers = await loadSigners(config.authorities);
  const result = {
    answers: new Map(answers),
    denied: new Map<string, Judged>(),
    signedBy: new Map<string, string[]>(),
  };
  await Promise.all(
    [...answers].map(async ([key, answer]) => {
      if (answer instanceof Problem) return;
      const judged = await judgeImage(client, withDigest(answer.reference, answer.digest), answer, {
        config,
        signers,
        lock,
      });
      const verdicts = [...(judged.evidence?.verdicts ?? [])];
      result.signedBy.set(
        key,
        verdicts.flatMap(([name, { kind }]) => (kind === 'verified' ? [name] : [])),
      );
      if (judged.decision.outcome !== 'deny') return;
      if (isOpen(judged.decision))
        result.answers.set(
          key,
          new Problem('unreachable', objections(judged.decision) as string, { image: answer.reference.text }),
        );
      else result.denied.set(key, judged);
    }),
  );
  return result;
}

/** One finding an image, at its first place. */
export function deniedFindings(targets: readonly Found[], denied: Verified['denied']): Finding[] {
  const groups = Map.groupBy(targets, ({ reference }) => printReference(withoutDigest(reference)));
  return [...denied].map(([key, { decision }]) => {
    const [first, ...more] = groups.get(key) as [Found, ...Found[]];
    const places = more.length > 0 ? ` (and ${plural(more.length, 'more place')})` : '';
    return findingAt(first, 'policy-denied', 'error', `not pinned: ${objections(decision)}${places}`);
  });
}
