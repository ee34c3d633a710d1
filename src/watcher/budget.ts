// How many requests a registry gets from us: never a burst, and where it announces a limit, half of it is left to the nodes, which pull by
// the same address and with the same credentials.
import type { RateLimit } from '../registry/throttle.ts';

/** Requests a second to one registry, and over all of them: 20,000 tags hourly. */
export const PER_SECOND = 6;
/** Of an announced limit we leave this much alone. */
const LEFT_ALONE = 0.5;
/** Without a window in the announcement, seconds. */
const WINDOW_S = 3600;
const HOUR_MS = 3_600_000;

export type Spent = {
  readonly registry: string;
  /** Whose name it is asked by: `anonymous`, or a user's. */
  readonly credential: string;
  /** Requests a second that are allowed now. */
  readonly perSecond: number;
  /** In the hour that ends now. */
  readonly asked: number;
  /** As the registry announced it, where it did. */
  readonly limit: RateLimit | undefined;
  /** It allows so little more that only the nodes get it, until this moment; milliseconds since 1970. */
  readonly restsUntil: number | undefined;
};

/** What a request goes to. */
type Asked = { readonly registry: string; readonly repository: string };
type Purse = {
  readonly registry: string;
  readonly credential: string;
  tokens: number;
  filled: number;
  hours: Map<number, number>;
  restsUntil: number;
};

export class Budget {
  readonly #limitOf: (registry: string) => RateLimit | undefined;
  readonly #credentialOf: (asked: Asked) => string;
  readonly #purses = new Map<string, Purse>();
  #all: Purse = newPurse('', '', 0);

  /**
   * @param limitOf what a registry last announced; undefined: nothing
   * @param credentialOf by whose name it is asked: registries count each for itself
   */
  constructor(
    limitOf: (registry: string) => RateLimit | undefined,
    credentialOf: (asked: Asked) => string = () => 'anonymous',
  ) {
    this.#limitOf = limitOf;
    this.#credentialOf = credentialOf;
  }

  /** Spends one look, if there is one. */
  take(asked: Asked, now: number): boolean {
    const purse = this.#purseOf(asked, now);
    const limit = this.#limitOf(asked.registry);
    if (purse.restsUntil > now) return false;
    if (limit !== undefined && limit.remaining === 0) {
      purse.restsUntil = now + windowOf(limit) / 4;
      return false;
    }
    fill(this.#all, PER_SECOND, now);
    fill(purse, rateOf(limit), now);
    if (purse.tokens < 1 || this.#all.tokens < 1) return false;
    purse.tokens--;
    this.#all.tokens--;
    count(purse, now);
    return true;
  }

  /** What registries count as a pull: as much as is wanted where nothing is announced, else only while more than half is left. */
  pull(asked: Asked, now: number): boolean {
    const limit = this.#limitOf(asked.registry);
    if (limit !== undefined && isShort(limit)) return false;
    count(this.#purseOf(asked, now), now);
    return true;
  }

  show(now = Date.now()): Spent[] {
    return [...this.#purses.values()].map(({ registry, credential, hours, restsUntil }) => {
      const limit = this.#limitOf(registry);
      const slot = Math.floor(now / (HOUR_MS / 12));
      const asked = [...hours].reduce((sum, [at, count]) => sum + (at > slot - 12 ? count : 0), 0);
      return {
        registry,
        credential,
        perSecond: rateOf(limit),
        asked,
        limit,
        restsUntil: restsUntil > now ? restsUntil : undefined,
      };
    });
  }

  #purseOf(asked: Asked, now: number): Purse {
    const { registry } = asked;
    const credential = this.#credentialOf(asked);
    const key = `${registry} ${credential}`;
    let purse = this.#purses.get(key);
    if (purse === undefined) {
      purse = newPurse(registry, credential, now);
      this.#purses.set(key, purse);
    }
    return purse;
  }
}

const newPurse = (registry: string, credential: string, now: number): Purse => ({
  registry,
  credential,
  tokens: PER_SECOND,
  filled: now,
  hours: new Map(),
  restsUntil: 0,
});

/** In slots of five minutes. */
function count({ hours }: Purse, now: number): void {
  const slot = Math.floor(now / (HOUR_MS / 12));
  hours.set(slot, (hours.get(slot) ?? 0) + 1);
  for (const old of hours.keys()) if (old <= slot - 12) hours.delete(old);
}

/** Never more than a second's worth: what was not spent is no licence for a burst. */
function fill(purse: Purse, perSecond: number, now: number): void {
  const gained = (Math.max(0, now - purse.filled) / 1000) * perSecond;
  purse.tokens = Math.min(Math.max(1, perSecond), purse.tokens + gained);
  purse.filled = now;
}

const windowOf = ({ windowSeconds = WINDOW_S }: RateLimit) => windowSeconds * 1000;
const isShort = ({ limit, remaining }: RateLimit) => remaining <= (limit ?? remaining * 2) * LEFT_ALONE;

/** While there is plenty, the full rate; then what remains over the whole window. */
function rateOf(limit: RateLimit | undefined): number {
  if (limit === undefined || !isShort(limit)) return PER_SECOND;
  return Math.min(PER_SECOND, limit.remaining / (windowOf(limit) / 1000));
}
