// One HTTP exchange with a registry: bounded body, deadline, redirects without credentials, retries that obey the host.
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { Problem } from '../problem.ts';
import { type AddressClass, checkLiteral, guardedLookup, hostClass } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import { BACKOFF_MS, CONCURRENCY, DEADLINE_MS, MAX_REDIRECTS, MAX_RETRY_AFTER_MS, MAX_TRIES } from './limits.ts';
import { retryAfter, Throttle } from './throttle.ts';

export type RegistryResponse = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
};

export type Call = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
  /** Largest body that is read, bytes. */
  readonly limit: number;
};

export type TransportOptions = {
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
  readonly backoffMs?: number;
  readonly userAgent?: string;
};

/** Owns the sockets. One per run; `close` ends them. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #throttles = new Map<string, Throttle>();
  readonly #homes = new Map<string, Promise<AddressClass>>();

  constructor(options: TransportOptions = {}) {
    this.#options = options;
  }

  /**
   * Sends a call and retries what a second try may mend.
   * @param trusted the call goes to a host that the user named; else only an answer named it, and addresses are checked
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
        const asked = retryAfter(answer.headers['retry-after']);
        if (answer.status !== 429 && answer.status < 500) return answer;
        if (answer.status === 501 || last || (asked ?? 0) > MAX_RETRY_AFTER_MS) return answer;
        pause = asked ?? this.#backoff(attempt);
        if (asked !== undefined || answer.status === 429) throttle.pause(pause);
      } catch (error) {
        if (this.#options.signal?.aborted) throw new Problem('interrupted', 'interrupted');
        if (last || error instanceof Problem || !isTransient(error)) throw unreachable(error, call.url);
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
  rateLimits(): [host: string, limit: NonNullable<Throttle['rateLimit']>][] {
    return [...this.#throttles].flatMap(([host, { rateLimit }]) =>
      rateLimit === undefined ? [] : [[host, rateLimit] as const],
    ) as never;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  async #follow(endpoint: Endpoint, first: Call, trusted: boolean): Promise<RegistryResponse> {
    let call = first;
    let known = trusted;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#exchange(endpoint, call, known);
      const location = answer.headers['location'];
      if (
        ![301, 302, 303, 307, 308].includes(answer.status) ||
        typeof location !== 'string' ||
        call.method === 'POST' ||
        call.method === 'PUT'
      )
        return answer;
      if (redirects >= MAX_REDIRECTS)
        throw new Problem(
          'protocol',
          `more than ${MAX_REDIRECTS} redirects, the last to ${hostOf(location, call.url)}`,
        );
      const from = new URL(call.url);
      if (!URL.canParse(location, call.url))
        throw new Problem('protocol', `${from.host} redirects to something that is no URL`);
      const to = new URL(location, call.url);
      if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol !== 'http:')) {
        throw new Problem(
          'refused',
          `${from.host} redirects from ${from.protocol}// to ${to.protocol}//${to.host}; not followed`,
        );
      }
      const sameOrigin = to.origin === from.origin;
      known &&= sameOrigin;
      // RFC 9110 15.4: credentials are for the origin that asked for them (T48); headers from hosts.toml may hold some too.
      const { accept } = call.headers;
      call = { ...call, url: to.href, headers: sameOrigin ? call.headers : accept === undefined ? {} : { accept } };
    }
  }

  async #exchange(endpoint: Endpoint, call: Call, trusted: boolean): Promise<RegistryResponse> {
    const url = new URL(call.url);
    const deadline = AbortSignal.timeout(this.#options.deadlineMs ?? DEADLINE_MS);
    const signal = this.#options.signal === undefined ? deadline : AbortSignal.any([deadline, this.#options.signal]);
    const response = await request(url, {
      method: call.method,
      headers: { 'user-agent': this.#options.userAgent ?? 'tagproof', ...call.headers },
      ...(call.body !== undefined && { body: call.body }),
      dispatcher: await this.#dispatcher(endpoint, url, trusted),
      signal,
    });
    const announced = Number(response.headers['content-length'] ?? 0);
    if (call.method !== 'HEAD' && announced > call.limit) {
      response.body.destroy();
      throw tooLarge(url.host, call.limit);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > call.limit) {
        response.body.destroy();
        throw tooLarge(url.host, call.limit);
      }
      chunks.push(chunk);
    }
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  }

  /** One pool per origin and trust: a host that the user did not name never shares certificates or keys with one he did. */
  async #dispatcher(endpoint: Endpoint, url: URL, trusted: boolean): Promise<Dispatcher> {
    const key = `${endpoint.guarded ? 'guarded ' : ''}${trusted ? endpoint.base : `away from ${endpoint.base}`} ${url.origin}`;
    let dispatcher = this.#dispatchers.get(key);
    if (dispatcher !== undefined) return dispatcher;
    const away = endpoint.guarded ? 'public' : trusted ? undefined : await this.#home(endpoint);
    if (away !== undefined) checkLiteral(url.hostname, away);
    const connect = {
      timeout: 10_000,
      ...(endpoint.ca !== undefined && { ca: [...(await systemCertificates()), ...endpoint.ca] }),
      ...(trusted && endpoint.skipVerify && { rejectUnauthorized: false }),
      ...(trusted && endpoint.client !== undefined && endpoint.client),
      ...(away !== undefined && { lookup: guardedLookup(away) }),
    };
    const proxied =
      process.env['HTTPS_PROXY'] ??
      process.env['https_proxy'] ??
      process.env['HTTP_PROXY'] ??
      process.env['http_proxy'];
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

async function systemCertificates(): Promise<string[]> {
  const { getCACertificates } = await import('node:tls');
  return getCACertificates('default');
}

function tooLarge(host: string, limit: number): Problem {
  return new Problem('limit', `${host} sent more than the ${limit} bytes that tagproof reads of such an answer`);
}

function hostOf(location: string, base: string): string {
  return URL.canParse(location, base) ? new URL(location, base).host : 'nowhere';
}

/** Failures of the connection, not of what was said over it. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return [
    'ECONNRESET',
    'ECONNREFUSED',
    'EPIPE',
    'ETIMEDOUT',
    'EAI_AGAIN',
    'UND_ERR_SOCKET',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
  ].includes(code);
}

function unreachable(error: unknown, url: string): Problem {
  if (error instanceof Problem) return error;
  const { host } = new URL(url);
  const { name, code, message, cause } = error as { name?: string; code?: string; message?: string; cause?: unknown };
  if (cause instanceof Problem) return cause;
  if (name === 'TimeoutError') return new Problem('unreachable', `${host} did not answer in full within the deadline`);
  const hint =
    code === 'ENOTFOUND'
      ? 'there is no such host'
      : code === 'ECONNREFUSED'
        ? 'nothing listens there'
        : /CERT|SELF_SIGNED|UNABLE_TO_/.test(code ?? '')
          ? `its certificate is not trusted (${code}): give its CA under registries in tagproof.yaml`
          : /WRONG_VERSION|EPROTO|PACKET_LENGTH/.test(code ?? '')
            ? 'it does not speak TLS: if that is right, set plainHttp for it under registries in tagproof.yaml'
            : (message ?? 'unknown failure');
  return new Problem('unreachable', `cannot reach ${host}: ${hint}`, {}, error);
}
