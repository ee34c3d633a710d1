// One HTTP exchange with a registry: a bounded body, a deadline, redirects without credentials,
// retries that obey the host.
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { Problem } from '../problem.ts';
import { type AddressClass, checkLiteral, guardedLookup, hostClass } from './address.ts';
import { CutAnswer, connectionError, isCut, isTransient } from './connection-error.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { BACKOFF_MS, CONCURRENCY, DEADLINE_MS, MAX_REDIRECTS, MAX_RETRY_AFTER_MS, MAX_TRIES } from './limits.ts';
import { followRedirect } from './redirect.ts';
import { type RateLimit, retryAfter, Throttle } from './throttle.ts';

export type TransportOptions = {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
  readonly backoffMs?: number;
  readonly userAgent?: string;
};

/** Owns the sockets of a run; `close` ends them. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #throttles = new Map<string, Throttle>();
  readonly #homes = new Map<string, Promise<AddressClass>>();

  constructor(options: TransportOptions = {}) {
    this.#options = options;
  }

  /**
   * Sends a call, and repeats it where a second try may succeed.
   * @param trusted whether the user named the host. A host that only an answer named is reached at
   *   checked addresses.
   * @throws Problem `unreachable`, `limit`, `refused`, `rate-limited`, `interrupted`
   */
  async send(endpoint: Endpoint, call: Call, trusted = true): Promise<RegistryResponse> {
    const throttle = this.#throttle(new URL(call.url).host);
    for (let attempt = 1; ; attempt++) {
      if (this.#options.signal?.aborted) throw new Problem('interrupted', 'interrupted');
      const last = attempt >= MAX_TRIES;
      let pause: number;
      try {
        await this.#wait(throttle.pauseLeft);
        const answer = await throttle.run(() => this.#follow(endpoint, call, trusted));
        throttle.note(answer.headers);
        const wanted = retryAfter(answer.headers['retry-after']);
        if (answer.status !== 429 && answer.status < 500) return answer;
        if (answer.status === 501 || last || (wanted ?? 0) > MAX_RETRY_AFTER_MS) return answer;
        pause = wanted ?? this.#backoff(attempt);
        if (wanted !== undefined || answer.status === 429) throttle.pause(pause);
      } catch (error) {
        if (this.#options.signal?.aborted) throw new Problem('interrupted', 'interrupted');
        if (last || error instanceof Problem || !isTransient(error)) throw connectionError(error, call.url);
        pause = this.#backoff(attempt);
      }
      await this.#wait(pause);
    }
  }

  #throttle(host: string): Throttle {
    let throttle = this.#throttles.get(host);
    if (throttle === undefined) {
      throttle = new Throttle(CONCURRENCY);
      this.#throttles.set(host, throttle);
    }
    return throttle;
  }

  /** Hosts that announced a rate limit. */
  rateLimits(): [host: string, limit: RateLimit][] {
    return [...this.#throttles].flatMap(([host, { rateLimit }]): [string, RateLimit][] =>
      rateLimit === undefined ? [] : [[host, rateLimit]],
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  async #follow(endpoint: Endpoint, first: Call, trusted: boolean): Promise<RegistryResponse> {
    let call = first;
    let named = trusted;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#exchange(endpoint, call, named);
      const hop = followRedirect(call, answer);
      if (hop === undefined) return answer;
      if (redirects >= MAX_REDIRECTS)
        throw new Problem(
          'protocol',
          `more than ${MAX_REDIRECTS} redirects, the last to ${new URL(hop.call.url).host}`,
        );
      // Once a redirect has left the named host, no later one is trusted again.
      named &&= hop.sameOrigin;
      call = hop.call;
    }
  }

  async #exchange(endpoint: Endpoint, call: Call, trusted: boolean): Promise<RegistryResponse> {
    const url = new URL(call.url);
    const deadline = AbortSignal.timeout(this.#options.deadlineMs ?? DEADLINE_MS);
    const signal = this.#options.signal === undefined ? deadline : AbortSignal.any([deadline, this.#options.signal]);
    const response = await request(url, {
      method: call.method,
      headers: {
        'user-agent': this.#options.userAgent ?? 'tagproof',
        // Digests are of bytes as they are stored, never of a compressed form.
        'accept-encoding': 'identity',
        ...call.headers,
      },
      ...(call.body !== undefined && { body: call.body }),
      dispatcher: await this.#dispatcher(endpoint, url, trusted),
      signal,
    });
    // undici reports a body that is given up as an error event; without a listener it ends the
    // process.
    response.body.on('error', () => {});
    const announced = Number(response.headers['content-length'] ?? 0);
    if (call.method !== 'HEAD' && announced > call.limit) {
      response.body.destroy();
      throw tooLarge(url.host, call.limit);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > call.limit) {
          response.body.destroy();
          throw tooLarge(url.host, call.limit);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw isCut(error) ? new CutAnswer(size, announced, error) : error;
    }
    return {
      status: response.statusCode,
      headers: response.headers,
      body: Buffer.concat(chunks),
      ...(hasOpenEnd(response) && { hasOpenEnd: true }),
    };
  }

  /**
   * One pool for each origin and trust: a host that the user did not name never shares a connection
   * with one that he did.
   */
  async #dispatcher(endpoint: Endpoint, url: URL, trusted: boolean): Promise<Dispatcher> {
    const key = `${endpoint.guarded ? 'guarded ' : ''}${trusted ? endpoint.base : `away from ${endpoint.base}`} ${url.origin}`;
    let dispatcher = this.#dispatchers.get(key);
    if (dispatcher !== undefined) return dispatcher;
    const away = endpoint.guarded ? 'public' : trusted ? undefined : await this.#home(endpoint);
    if (away !== undefined) checkLiteral(url.hostname, away);
    const authorities = endpoint.ca === undefined ? undefined : [...(await systemCertificates()), ...endpoint.ca];
    const connect = connectOptions(endpoint, { trusted, away, authorities });
    const proxied =
      process.env['HTTPS_PROXY'] ??
      process.env['https_proxy'] ??
      process.env['HTTP_PROXY'] ??
      process.env['http_proxy'];
    // Another request may have made it while this one waited.
    dispatcher = this.#dispatchers.get(key);
    if (dispatcher === undefined) {
      dispatcher = proxied
        ? new EnvHttpProxyAgent({ connect, requestTls: connect })
        : new Agent({ connect, connections: CONCURRENCY });
      this.#dispatchers.set(key, dispatcher);
    }
    return dispatcher;
  }

  #home(endpoint: Endpoint): Promise<AddressClass> {
    const { hostname } = new URL(endpoint.base);
    let home = this.#homes.get(hostname);
    if (home === undefined) {
      home = hostClass(hostname);
      this.#homes.set(hostname, home);
    }
    return home;
  }

  #backoff(attempt: number): number {
    return (this.#options.backoffMs ?? BACKOFF_MS) * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  }

  async #wait(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    try {
      await sleep(milliseconds, undefined, this.#options.signal ? { signal: this.#options.signal } : {});
    } catch {
      throw new Problem('interrupted', 'interrupted');
    }
  }
}

type Connect = {
  readonly trusted: boolean;
  /** The class of network that may be reached; undefined: any. */
  readonly away: AddressClass | undefined;
  readonly authorities: string[] | undefined;
};

/**
 * TLS and DNS of one pool. Only the named host sees the client certificate, and only it may skip
 * verification.
 */
export function connectOptions(endpoint: Endpoint, { trusted, away, authorities }: Connect) {
  return {
    timeout: 10_000,
    ...(authorities !== undefined && { ca: authorities }),
    ...(trusted && endpoint.skipVerify && { rejectUnauthorized: false }),
    ...(trusted && endpoint.client !== undefined && endpoint.client),
    ...(away !== undefined && { lookup: guardedLookup(away) }),
  };
}

async function systemCertificates(): Promise<string[]> {
  const { getCACertificates } = await import('node:tls');
  return getCACertificates('default');
}

/**
 * Without a length and without chunks a body ends with its connection. HTTP/2 ends each stream; undici gives its
 * answers no reason phrase.
 */
function hasOpenEnd({ headers, statusText }: Dispatcher.ResponseData): boolean {
  const isFramed = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return !isFramed && statusText !== '';
}

function tooLarge(host: string, limit: number): Problem {
  return new Problem('limit', `${host} sent more than the ${limit} bytes that tagproof reads of such an answer`);
}
