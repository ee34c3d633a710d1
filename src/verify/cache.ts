// Verdicts that were reached are not reached again: by image, digest, policy and trust. An open question is never kept.
import type { Gathered } from './verify.ts';

type Kept = { readonly gathered: Gathered; readonly until: number };

/** Bounded, least recently used first; one flight a key, however many ask at once. */
export class VerdictCache {
  readonly #kept = new Map<string, Kept>();
  readonly #flights = new Map<string, Promise<Gathered>>();
  readonly #size: number;
  readonly #lifeMs: number;

  /**
   * @param size verdicts kept
   * @param lifeMs how long: what was signed stays signed, but certificates and Notary's timestamps end, and keys get lost
   */
  constructor(size = 10_000, lifeMs = 10 * 60_000) {
    this.#size = size;
    this.#lifeMs = lifeMs;
  }

  /**
   * @param key everything that the verdicts depend on: reference with digest, policy hash, trust version
   * @param gather reaches them; asked once
   */
  async get(key: string, gather: () => Promise<Gathered>, now = Date.now()): Promise<Gathered> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      if (kept.until > now) {
        this.#kept.set(key, kept);
        return kept.gathered;
      }
    }
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = gather().finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
      flight.then(
        (gathered) => isSettled(gathered) && this.#keep(key, { gathered, until: now + this.#lifeMs }),
        () => {},
      );
    }
    return flight;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    if (this.#kept.size > this.#size) this.#kept.delete(this.#kept.keys().next().value as string);
  }
}

/** A registry that did not answer may answer the next time; "not signed" may be signed a minute later. */
function isSettled({ verdicts, attestations }: Gathered): boolean {
  return attestations.problems.size === 0 && [...verdicts.values()].every(({ kind }) => kind === 'verified');
}
