// Limits towards one host: concurrent requests, a pause that the host asked for, and the rate limit
// that it announced.

/** From headers such as `ratelimit-remaining: 76;w=21600`. */
export type RateLimit = {
  readonly limit: number | undefined;
  readonly remaining: number;
  readonly windowSeconds: number | undefined;
};

export class Throttle {
  rateLimit: RateLimit | undefined;
  readonly #concurrency: number;
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #notBefore = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Runs the task when a slot is free. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#active >= this.#concurrency) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#active--;
    }
  }

  /** No request goes to this host for this many milliseconds. */
  pause(milliseconds: number): void {
    this.#notBefore = Math.max(this.#notBefore, Date.now() + milliseconds);
  }

  /** Milliseconds that remain of the pause. */
  get pauseLeft(): number {
    return Math.max(0, this.#notBefore - Date.now());
  }

  /** Records rate-limit headers, where there are any. */
  note(headers: Record<string, string | string[] | undefined>): void {
    const remaining = parse(headers['ratelimit-remaining']);
    if (remaining === undefined) return;
    const limit = parse(headers['ratelimit-limit']);
    this.rateLimit = {
      limit: limit?.count,
      remaining: remaining.count,
      windowSeconds: remaining.window ?? limit?.window,
    };
  }
}

function parse(header: string | string[] | undefined): { count: number; window: number | undefined } | undefined {
  const match = /^\s*(\d+)(?:\s*;\s*w=(\d+))?/.exec(String(header ?? ''));
  return match === null
    ? undefined
    : { count: Number(match[1]), window: match[2] === undefined ? undefined : Number(match[2]) };
}

/** Retry-After in milliseconds: seconds or an HTTP date. RFC 9110 section 10.2.3. */
export function retryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
