// Caches verdicts; the key (image, digest, authorities, trust) is the caller's. A verdict that leaves a question open is never cached.
import type { GatheredVerdicts } from './verify.ts';

/** `until`: fresh; `stale`: still used while the registry cannot be reached. Milliseconds since 1970. */
type CacheEntry = { readonly gathered: GatheredVerdicts; readonly until: number; readonly stale: number };

/**
 * Bounded; the least recently used entry is dropped first. Concurrent requests for one key share one flight. A registry that
 * does not answer never undoes what was verified before for the same digest: the old verdict is used, for a day.
 */
export class VerdictCache {
  readonly #entries = new Map<string, CacheEntry>();
  readonly #flights = new Map<string, Promise<GatheredVerdicts>>();
  readonly #size: number;
  readonly #lifeMs: number;
  readonly #staleMs: number;

  /**
   * @param size number of entries
   * @param lifeMs how long an entry is fresh: a signature stays, but certificates and Notary's timestamps end, keys leak
   * @param staleMs how long an entry is used in all, while the registry cannot be reached
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
   * @param key everything that the verdicts depend on: reference with digest, authorities, trust version
   * @param gather verifies; called once for concurrent requests
   */
  async get(key: string, gather: () => Promise<GatheredVerdicts>, now = Date.now()): Promise<GatheredVerdicts> {
    const cached = this.#entries.get(key);
    const usable = cached !== undefined && cached.stale > now ? cached : undefined;
    this.#entries.delete(key);
    if (usable !== undefined) {
      this.#entries.set(key, usable); // now the most recently used
      if (usable.until > now) return usable.gathered;
    }
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = gather().finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    let gathered: GatheredVerdicts;
    try {
      gathered = await flight;
    } catch (error) {
      if (usable !== undefined) return usable.gathered;
      throw error;
    }
    if (usable !== undefined && isOpen(gathered)) return usable.gathered;
    if (isSettled(gathered)) this.#store(key, { gathered, until: now + this.#lifeMs, stale: now + this.#staleMs });
    else this.#entries.delete(key);
    return gathered;
  }

  #store(key: string, entry: CacheEntry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#size) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}

const isOpen = ({ verdicts, attestations }: GatheredVerdicts) =>
  attestations.problems.size > 0 || [...verdicts.values()].some(({ kind }) => kind === 'unchecked');

/** An unsigned image may be signed a minute later, and that should count at once. */
function isSettled({ verdicts, attestations }: GatheredVerdicts): boolean {
  return attestations.problems.size === 0 && [...verdicts.values()].every(({ kind }) => kind === 'verified');
}
