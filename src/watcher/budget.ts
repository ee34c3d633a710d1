// How many requests a registry gets from us: never a burst. Where a registry announces a limit,
// half of it is left to the nodes, which pull from the same address and with the same credentials.
import type { RateLimit } from '../registry/throttle.ts';

/**
 * Requests a second to one registry, and to all of them together: enough for 20,000 tags an hour.
 */
export const PER_SECOND = 6;
/** The share of an announced limit that we do not use. */
const RESERVED = 0.5;
/** Where the announcement names no window, seconds. */
const WINDOW_S = 3600;
const HOUR_MS = 3_600_000;
const SLOT_MS = HOUR_MS / 12;

export type Spent = {
  readonly registry: string;
  /** The user of the credentials in use, or `anonymous`. */
  readonly credential: string;
  /** Requests a second that are allowed now. */
  readonly perSecond: number;
  /** Requests in the hour that ends now. */
  readonly asked: number;
  /** As the registry announced it; undefined: it announced none. */
  readonly limit: RateLimit | undefined;
  /**
   * Until then nothing is requested, so that nodes can use what remains; milliseconds since 1970.
   */
  readonly restsUntil: number | undefined;
};

type Target = { readonly registry: string; readonly repository: string };

/** A token bucket, and the requests of the last hour in slots of five minutes. */
type Account = {
  readonly registry: string;
  readonly credential: string;
  tokens: number;
  filled: number;
  slots: Map<number, number>;
  restsUntil: number;
};

export class Budget {
  readonly #limitOf: (registry: string) => RateLimit | undefined;
  readonly #credentialOf: (target: Target) => string;
  readonly #accounts = new Map<string, Account>();
  readonly #total: Account = newAccount('', '', 0);

  /**
   * @param limitOf what a registry last announced; undefined: nothing
   * @param credentialOf the user of the credentials: registries count requests by user
   */
  constructor(
    limitOf: (registry: string) => RateLimit | undefined,
    credentialOf: (target: Target) => string = () => 'anonymous',
  ) {
    this.#limitOf = limitOf;
    this.#credentialOf = credentialOf;
  }

  /** Spends one poll. @returns false when there is none left for now */
  take(target: Target, now: number): boolean {
    const account = this.#accountOf(target, now);
    const limit = this.#limitOf(target.registry);
    if (account.restsUntil > now) return false;
    if (limit !== undefined && limit.remaining === 0) {
      account.restsUntil = now + windowOf(limit) / 4;
      return false;
    }
    fill(this.#total, PER_SECOND, now);
    fill(account, rateOf(limit), now);
    if (account.tokens < 1 || this.#total.tokens < 1) return false;
    account.tokens--;
    this.#total.tokens--;
    count(account, now);
    return true;
  }

  /**
   * Spends a request that registries count as a pull: unlimited without an announced limit, else
   * only while more than half is left.
   */
  pull(target: Target, now: number): boolean {
    const limit = this.#limitOf(target.registry);
    if (limit !== undefined && isShort(limit)) return false;
    count(this.#accountOf(target, now), now);
    return true;
  }

  show(now = Date.now()): Spent[] {
    return [...this.#accounts.values()].map(({ registry, credential, slots, restsUntil }) => {
      const limit = this.#limitOf(registry);
      const slot = Math.floor(now / SLOT_MS);
      return {
        registry,
        credential,
        perSecond: rateOf(limit),
        asked: [...slots].reduce((sum, [at, requests]) => sum + (at > slot - 12 ? requests : 0), 0),
        limit,
        restsUntil: restsUntil > now ? restsUntil : undefined,
      };
    });
  }

  #accountOf(target: Target, now: number): Account {
    const { registry } = target;
    const credential = this.#credentialOf(target);
    const key = `${registry} ${credential}`;
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = newAccount(registry, credential, now);
      this.#accounts.set(key, account);
    }
    return account;
  }
}

const newAccount = (registry: string, credential: string, now: number): Account => ({
  registry,
  credential,
  tokens: PER_SECOND,
  filled: now,
  slots: new Map(),
  restsUntil: 0,
});

function count({ slots }: Account, now: number): void {
  const slot = Math.floor(now / SLOT_MS);
  slots.set(slot, (slots.get(slot) ?? 0) + 1);
  for (const old of slots.keys()) if (old <= slot - 12) slots.delete(old);
}

/** Never more than one second's worth: an idle hour must not become a burst. */
function fill(account: Account, perSecond: number, now: number): void {
  const gained = (Math.max(0, now - account.filled) / 1000) * perSecond;
  account.tokens = Math.min(Math.max(1, perSecond), account.tokens + gained);
  account.filled = now;
}

const windowOf = ({ windowSeconds = WINDOW_S }: RateLimit) => windowSeconds * 1000;
const isShort = ({ limit, remaining }: RateLimit) => remaining <= (limit ?? remaining * 2) * RESERVED;

/** The full rate while more than half is left; then the rest, spread over the whole window. */
function rateOf(limit: RateLimit | undefined): number {
  if (limit === undefined || !isShort(limit)) return PER_SECOND;
  return Math.min(PER_SECOND, limit.remaining / (windowOf(limit) / 1000));
}
