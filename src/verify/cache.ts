// Verdicts that were reached are not reached again: by image, digest, policy and trust. An open question is never kept.
import type { GatheredVerdicts } from './verify.ts';

/** `until`: fresh; `stale`: good enough while nobody can be asked. Milliseconds since 1970. */
type CacheEntry = { readonly gathered: GatheredVerdicts; readonly until: number; readonly stale: number };

/**
 * Bounded, least recently used first; one flight a key, however many ask at once. What was verified once for a digest is not
 * undone by a registry that does not answer: then the old verdict stands, for a day.
 */
export class VerdictCache {
  readonly #entries = new Map<string, CacheEntry>();
  readonly #flights = new Map<string, Promise<GatheredVerdicts>>();
  readonly #size: number;
  readonly #lifeMs: number;
  readonly #staleMs: number;

  /**
   * @param size verdicts kept
   * @param lifeMs how long: what was signed stays signed, but certificates and Notary's timestamps end, and keys get lost
   * @param staleMs how long in all, where the registry cannot be asked
   */
  constructor(size = 10_000, lifeMs = 10 * 60_000, staleMs = 24 * 3_600_000) {
    this.#size = size;
    this.#lifeMs = lifeMs;
    this.#staleMs = staleMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * @param key everything that the verdicts depend on: reference with digest, policy hash, trust version
   * @param gather reaches them; asked once
   */
  async get(key: string, gather: () => Promise<GatheredVerdicts>, now = Date.now()): Promise<GatheredVerdicts> {
    const kept = this.#entries.get(key);
    if (kept !== undefined) {
      this.#entries.delete(key);
      if (kept.stale > now) this.#entries.set(key, kept);
      if (kept.until > now) return kept.gathered;
    }
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = gather().finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    const gathered = await flight.catch((error) => {
      if (kept !== undefined && kept.stale > now) return undefined;
      throw error;
    });
    if (gathered === undefined || (kept !== undefined && kept.stale > now && isOpen(gathered)))
      return (kept as CacheEntry).gathered;
    if (isSettled(gathered)) this.#keep(key, { gathered, until: now + this.#lifeMs, stale: now + this.#staleMs });
    else this.#entries.delete(key);
    return gathered;
  }

  #keep(key: string, kept: CacheEntry): void {
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    if (this.#entries.size > this.#size) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}

const isOpen = ({ verdicts, attestations }: GatheredVerdicts) =>
  attestations.problems.size > 0 || [...verdicts.values()].some(({ kind }) => kind === 'unchecked');

/** "Not signed" may be signed a minute later, and nobody should wait for it. */
function isSettled({ verdicts, attestations }: GatheredVerdicts): boolean {
  return attestations.problems.size === 0 && [...verdicts.values()].every(({ kind }) => kind === 'verified');
}
