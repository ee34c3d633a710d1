// What a workload can be rolled back to: what it ran before, from the ledger, and whether that can
// be pulled and would be admitted now.

import { evaluateImage, type PolicyContext } from '../evaluate/evaluate.ts';
import type { PinnedReference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import type { RunInterval } from '../ledger/ledger.ts';
import { isUnchecked, objections } from '../policy/decision.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { signersOf } from './deployed.ts';

export type RollbackCandidate = {
  readonly interval: RunInterval;
  /**
   * What a rollback would write: the name and tag that were declared then, and the digest that ran.
   */
  readonly reference: PinnedReference;
  /** Whether it runs now. */
  readonly current: boolean;
};

export type Checked = RollbackCandidate & {
  /** Undefined: its registry serves the digest now. */
  readonly notPullable?: Problem;
  /** Why today's policy would deny it. Undefined: it would not, or there are no rules. */
  readonly denied?: string;
  /** Whether it is denied only because it could not be checked. */
  readonly open?: boolean;
  /** Its verified signers today. Undefined: there are no rules. */
  readonly signers?: readonly string[];
};

/** What to roll back to: a digest, a revision, or a moment. */
export type Target =
  | { readonly kind: 'digest'; readonly digest: string }
  | { readonly kind: 'revision'; readonly revision: string }
  | { readonly kind: 'time'; readonly time: Date };

/**
 * A candidate for each interval in which a container ran something, newest first.
 * @param runs of one workload, newest first
 * @param roots the digest to pull, where a node reported only a part of an image: a manifest of an
 * index, or a configuration
 */
export function candidatesOf(
  runs: readonly RunInterval[],
  roots: ReadonlyMap<RunInterval, string>,
): RollbackCandidate[] {
  const candidates = runs.flatMap((interval) => {
    const declared = parseReference(interval.image);
    // Without a valid name there is no registry to pull it from.
    if (declared instanceof Problem) return [];
    return [{ interval, reference: withDigest(declared, roots.get(interval) ?? interval.digest), current: false }];
  });
  const current = new Set(candidates.filter(({ interval }) => interval.until === null).map(keyOf));
  return candidates.map((candidate) => ({ ...candidate, current: current.has(keyOf(candidate)) }));
}

/** Each container and digest once, with its last interval: a list to choose from. */
export function distinct(candidates: readonly RollbackCandidate[]): RollbackCandidate[] {
  const found = new Map<string, RollbackCandidate>();
  for (const candidate of candidates) if (!found.has(keyOf(candidate))) found.set(keyOf(candidate), candidate);
  return [...found.values()];
}

const keyOf = ({ interval: { container, type }, reference }: RollbackCandidate) =>
  `${type}\n${container}\n${reference.digest}`;

/**
 * The candidate for each container: the newest one that matches the target.
 * @throws Problem `not-found` where the ledger has no match
 */
export function choose(candidates: readonly RollbackCandidate[], target: Target): RollbackCandidate[] {
  const matches = ({ interval: { since, until, digest, revision }, reference }: RollbackCandidate): boolean => {
    if (target.kind === 'digest') return digest === target.digest || reference.digest === target.digest;
    if (target.kind === 'revision') return revision === target.revision;
    const moment = target.time.getTime();
    return Date.parse(since) <= moment && (until === null || Date.parse(until) > moment);
  };
  const byContainer = Map.groupBy(candidates, ({ interval: { type, container } }) => `${type}\n${container}`);
  const chosen = [...byContainer.values()].flatMap((list) => list.find(matches) ?? []);
  if (chosen.length > 0) return chosen;
  throw new Problem('not-found', `the ledger has no record of it: ${missed(target)}`);
}

function missed(target: Target): string {
  if (target.kind === 'digest') return `it did not run ${target.digest}`;
  if (target.kind === 'revision') return `it has no revision ${target.revision}`;
  return `it did not run at ${target.time.toISOString()}`;
}

export type CandidateCheck = {
  readonly client: RegistryClient;
  /** Undefined: there are no rules. */
  readonly policyContext: PolicyContext | undefined;
  readonly workload: { readonly namespace: string; readonly kind: string };
  /** Why a digest must never run again, by digest. */
  readonly blocklist: ReadonlyMap<string, string>;
};

/** Asks the blocklist first, then the registry, then the policy. */
export async function check(
  candidate: RollbackCandidate,
  { client, policyContext, workload: { namespace, kind }, blocklist }: CandidateCheck,
): Promise<Checked> {
  const { reference } = candidate;
  const blocked = blocklist.get(reference.digest);
  if (blocked !== undefined) return { ...candidate, denied: `it must never run again: ${blocked}` };
  try {
    await client.head(reference);
  } catch (error) {
    return { ...candidate, notPullable: asProblem(error, 'unreachable', { image: reference.text }) };
  }
  if (policyContext === undefined) return candidate;
  const resolved = {
    reference,
    digest: reference.digest,
    from: 'lock' as const,
    at: new Date().toISOString(),
  };
  const { decision, evidence } = await evaluateImage({
    client,
    reference,
    resolved,
    policyContext,
    scope: { kind, namespace },
  });
  const signers = signersOf(evidence);
  if (decision.outcome !== 'deny') return { ...candidate, signers };
  return { ...candidate, signers, denied: objections(decision) ?? 'denied', open: isUnchecked(decision) };
}
