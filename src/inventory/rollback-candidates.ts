// The way back: what a workload ran before, from the record, as candidates that can really be gone back to: pullable now, and allowed now.

import { evaluateImage, type PolicyContext } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import type { RunInterval } from '../ledger/ledger.ts';
import { isUnchecked, objections } from '../policy/decision.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { signersOf } from './deployed.ts';

export type RollbackCandidate = {
  readonly interval: RunInterval;
  /** What would be written: the name and tag that were declared then, and the digest that ran. */
  readonly reference: Reference;
  /** It is what runs now. */
  readonly current: boolean;
};

export type Checked = RollbackCandidate & {
  /** Undefined: it is served under its digest, now. */
  readonly notPullable?: Problem;
  /** Why today's policy would not let it in; undefined: it would, or there are no rules. */
  readonly denied?: string;
  /** The policy could not be asked about it. */
  readonly open?: boolean;
  /** Who speaks for it today; undefined: there are no rules. */
  readonly signers?: readonly string[];
};

/** What to go back to: a digest, a revision, a moment; undefined: what ran before the present one. */
export type Target =
  | { readonly kind: 'digest'; readonly digest: string }
  | { readonly kind: 'revision'; readonly revision: string }
  | { readonly kind: 'time'; readonly time: Date };

/**
 * A candidate for each time that a container ran something, newest first.
 * @param runs of one workload, newest first
 * @param roots what to pull for what a node named, where that was only a part of an image: a manifest of an index, a configuration
 */
export function candidatesOf(
  runs: readonly RunInterval[],
  roots: ReadonlyMap<RunInterval, string>,
): RollbackCandidate[] {
  const candidates = runs.flatMap((interval) => {
    const declared = parseReference(interval.image);
    // What has no name on a registry cannot be pulled again.
    if (declared instanceof Problem) return [];
    return [{ interval, reference: withDigest(declared, roots.get(interval) ?? interval.digest), current: false }];
  });
  const current = new Set(candidates.filter(({ interval }) => interval.until === null).map(keyOf));
  return candidates.map((candidate) => ({ ...candidate, current: current.has(keyOf(candidate)) }));
}

/** Each container and digest once, as it ran last: for a list to choose from. */
export function distinct(candidates: readonly RollbackCandidate[]): RollbackCandidate[] {
  const found = new Map<string, RollbackCandidate>();
  for (const candidate of candidates) if (!found.has(keyOf(candidate))) found.set(keyOf(candidate), candidate);
  return [...found.values()];
}

const keyOf = ({ interval: { container, type }, reference }: RollbackCandidate) =>
  `${type}\n${container}\n${reference.digest}`;

/**
 * What to go back to, a candidate a container.
 * @throws Problem `not-found` where the record has nothing of it
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
  throw new Problem('not-found', `${missed(target)}, as far as the ledger knows`);
}

function missed(target: Target): string {
  if (target.kind === 'digest') return `it did not run ${target.digest}`;
  if (target.kind === 'revision') return `it has no revision ${target.revision}`;
  return `it did not run at ${target.time.toISOString()}`;
}

/**
 * @param bench undefined: there are no rules
 * @param nevers why a digest must never run again, by digest
 */
export async function check(
  candidate: RollbackCandidate,
  client: RegistryClient,
  policyContext: PolicyContext | undefined,
  { namespace, kind }: { readonly namespace: string; readonly kind: string },
  blocklist: ReadonlyMap<string, string>,
): Promise<Checked> {
  const { reference } = candidate;
  const never = blocklist.get(reference.digest as string);
  if (never !== undefined) return { ...candidate, denied: `it must never run again: ${never}` };
  try {
    await client.head(reference);
  } catch (error) {
    return { ...candidate, notPullable: asProblem(error, 'unreachable', { image: reference.text }) };
  }
  if (policyContext === undefined) return candidate;
  const resolved = {
    reference,
    digest: reference.digest as string,
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
