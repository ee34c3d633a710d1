// Tag leases: for a short time a tag keeps the digest that it was resolved to. The lease holds the
// digest itself, so the digest that was verified is the digest that is written (T1, T2), and all
// pods of one rollout get one digest.
import type { Reference, Resolution, Resolved } from '../flow.ts';
import { tagKey } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';

/** How many digests that a tag has left are remembered, the latest ones. */
const MAX_LEFT = 8;

type Lease = {
  readonly answer: Resolved;
  readonly until: number;
  readonly stale: number;
  /** When the tag left each digest, RFC 3339. */
  readonly left: ReadonlyMap<string, string>;
};

export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #flights = new Map<string, Promise<Resolution>>();
  readonly #resolve: (reference: Reference) => Promise<Resolution>;
  readonly #lifeMs: number;
  readonly #staleMs: number;
  readonly #size: number;

  /**
   * @param resolve asks the registry
   * @param lifeMs how long a lease is used without asking the registry
   * @param staleMs how long a lease is used while the registry does not answer. The policy still
   * decides whether the digest may run
   * @param size how many leases are kept
   */
  constructor(
    resolve: (reference: Reference) => Promise<Resolution>,
    lifeMs = 30_000,
    staleMs = 24 * 3_600_000,
    size = 10_000,
  ) {
    this.#resolve = resolve;
    this.#lifeMs = lifeMs;
    this.#staleMs = staleMs;
    this.#size = size;
  }

  /** Concurrent callers share one request for a tag. A failure is never cached. */
  async digestOf(reference: Reference, now = Date.now()): Promise<Resolution> {
    const key = tagKey(reference);
    const lease = this.#leases.get(key);
    if (lease !== undefined && lease.until > now) return lease.answer;
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = this.#resolve(reference)
        .catch((error) => asProblem(error, 'unreachable', { image: reference.text }))
        .finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    const answer = await flight;
    if (!(answer instanceof Problem)) {
      const left = leftBy(lease, answer, now);
      const leftAt = left.get(answer.digest);
      const leased = leftAt === undefined ? answer : { ...answer, leftAt };
      this.#leases.delete(key);
      this.#leases.set(key, { answer: leased, left, until: now + this.#lifeMs, stale: now + this.#staleMs });
      if (this.#leases.size > this.#size) this.#leases.delete(this.#leases.keys().next().value as string);
      return leased;
    }
    // "No such tag" is an answer and ends the lease. Without an answer the old lease stays valid
    // for a while.
    const unanswered = ['unreachable', 'rate-limited'].includes(answer.code);
    return unanswered && lease !== undefined && lease.stale > now ? lease.answer : answer;
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

function leftBy(before: Lease | undefined, { digest }: Resolved, now: number): ReadonlyMap<string, string> {
  if (before === undefined) return NONE;
  if (before.answer.digest === digest) return before.left;
  const left = new Map(before.left);
  left.delete(before.answer.digest); // the latest departure determines the order
  left.set(before.answer.digest, new Date(now).toISOString());
  return left.size > MAX_LEFT ? new Map([...left].slice(-MAX_LEFT)) : left;
}
