// Tag leases: which digest a tag was taken at, for a moment. A lease carries the digest itself, so that what was verified and what is
// written can never be two things (T1, T2); pods of one rollout get one digest.
import type { Reference, Resolution, Resolved } from '../flow.ts';
import { tagKey } from '../image/reference.ts';
import { asProblem, Problem } from '../problem.ts';

/** Digests that a tag was seen to leave, the last ones. */
const MAX_LEFT = 8;

type Lease = {
  readonly answer: Resolved;
  readonly until: number;
  readonly stale: number;
  /** When it left which digest, RFC 3339. */
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
   * @param lifeMs how long a tag is taken at the same digest without asking
   * @param staleMs how long in all, where the registry does not answer: whether the digest may run is another question
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

  /** One question a tag, however many ask at once. A failure is never kept. */
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
    // "There is no such tag" is an answer; silence is none, and the old one stands.
    const silent = ['unreachable', 'rate-limited'].includes(answer.code);
    return silent && lease !== undefined && lease.stale > now ? lease.answer : answer;
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

function leftBy(before: Lease | undefined, { digest }: Resolved, now: number): ReadonlyMap<string, string> {
  if (before === undefined) return NONE;
  if (before.answer.digest === digest) return before.left;
  return new Map([...before.left, [before.answer.digest, new Date(now).toISOString()] as const].slice(-MAX_LEFT));
}
