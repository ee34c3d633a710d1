// The way back: what a workload ran before, from the record, as candidates that can really be gone back to: pullable now, and allowed now.
import type { Reference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import { type Bench, isOpen, judgeImage, objections } from '../judge/judge.ts';
import type { RunInterval } from '../ledger/ledger.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';

export type Candidate = {
  readonly interval: RunInterval;
  /** What would be written: the name and tag that were declared then, and the digest that ran. */
  readonly reference: Reference;
  /** It is what runs now. */
  readonly current: boolean;
};

export type Checked = Candidate & {
  /** Undefined: it is served under its digest, now. */
  readonly notPullable?: Problem;
  /** Why today's policy would not let it in; undefined: it would, or there are no rules. */
  readonly denied?: string;
  /** The policy could not be asked about it. */
  readonly open?: boolean;
};

/** One candidate a container and digest, newest first. @param runs of one workload, newest first */
export function candidatesOf(runs: readonly RunInterval[]): Candidate[] {
  const current = new Set(runs.filter(({ until }) => until === null).map(keyOf));
  const found = new Map<string, Candidate>();
  for (const interval of runs) {
    const key = keyOf(interval);
    const declared = parseReference(interval.image);
    // What has no name on a registry cannot be pulled again.
    if (found.has(key) || declared instanceof Problem) continue;
    found.set(key, { interval, reference: withDigest(declared, interval.digest), current: current.has(key) });
  }
  return [...found.values()];
}

const keyOf = ({ container, type, digest }: RunInterval) => `${type}\n${container}\n${digest}`;

/**
 * What to go back to, a candidate a container.
 * @param to a digest, or a moment; undefined: what ran before the present one
 * @throws Problem `not-found` where the record has nothing of it
 */
export function choose(candidates: readonly Candidate[], to: string | Date | undefined): Candidate[] {
  const matches = ({ interval: { since, until, digest }, current }: Candidate): boolean => {
    if (to === undefined) return !current;
    if (typeof to === 'string') return digest === to;
    return Date.parse(since) <= to.getTime() && (until === null || Date.parse(until) > to.getTime());
  };
  const byContainer = Map.groupBy(candidates, ({ interval: { type, container } }) => `${type}\n${container}`);
  const chosen = [...byContainer.values()].flatMap((list) => list.find(matches) ?? []);
  if (chosen.length > 0) return chosen;
  const what =
    to === undefined
      ? 'it never ran anything else'
      : `it did not run ${typeof to === 'string' ? to : `at ${to.toISOString()}`}`;
  throw new Problem('not-found', `${what}, as far as the ledger knows`);
}

/** @param bench undefined: there are no rules */
export async function check(
  candidate: Candidate,
  client: RegistryClient,
  bench: Bench | undefined,
  namespace: string,
): Promise<Checked> {
  const { reference } = candidate;
  try {
    await client.head(reference);
  } catch (error) {
    return { ...candidate, notPullable: asProblem(error, 'unreachable', { image: reference.text }) };
  }
  if (bench === undefined) return candidate;
  const resolved = {
    reference,
    digest: reference.digest as string,
    from: 'lock' as const,
    at: new Date().toISOString(),
  };
  const { decision } = await judgeImage(client, reference, resolved, bench, { kind: 'Pod', namespace });
  if (decision.outcome !== 'deny') return candidate;
  return { ...candidate, denied: objections(decision) ?? 'denied', open: isOpen(decision) };
}
