// Calls to an API server: bounded, with deadlines, and with the server's own error messages. Lists
// are read in pages. Watches are in watch.ts.
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { Problem, type ProblemCode } from '../problem.ts';
import type { Access } from './access.ts';
import type { KubeObject } from './object.ts';

/** Largest response, bytes: a page of large objects. */
const MAX_BODY = 64 * 1024 * 1024;
const DEADLINE_MS = 30_000;
/** Objects in one page of a list. */
const PAGE = 500;
/** How much of a server's error message we show, characters. */
const MAX_MESSAGE = 500;

export type Patch = 'merge' | 'json' | 'apply';
const PATCH_TYPES: Record<Patch, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

export type List<T = KubeObject> = {
  readonly items: readonly T[];
  readonly resourceVersion: string;
};

type Call = {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly body?: object | undefined;
  /** Media type of the body. */
  readonly type?: string | undefined;
  readonly signal: AbortSignal;
};

/** Owns the connections to one API server. */
export class KubeClient {
  readonly access: Access;
  readonly #dispatcher: Dispatcher;
  readonly #userAgent: string;

  constructor(access: Access, userAgent = 'tagproof') {
    this.access = access;
    this.#userAgent = userAgent;
    const connect = { ...access.tls, timeout: 10_000 } as object;
    this.#dispatcher =
      access.proxy === undefined
        ? new Agent({ connect, connections: 16 })
        : new ProxyAgent({ uri: access.proxy, requestTls: connect });
  }

  /** @param path including its query; @throws Problem */
  get(path: string): Promise<KubeObject> {
    return this.#json('GET', path);
  }

  /** Returns undefined if the server answers that the object does not exist. */
  async find(path: string): Promise<KubeObject | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  create(path: string, object: object): Promise<KubeObject> {
    return this.#json('POST', path, object);
  }

  /**
   * The object carries its resourceVersion, so a concurrent change by another client is a
   * `conflict`.
   */
  replace(path: string, object: object): Promise<KubeObject> {
    return this.#json('PUT', path, object);
  }

  patch(path: string, type: Patch, patch: object): Promise<KubeObject> {
    const query = type === 'apply' ? `${path.includes('?') ? '&' : '?'}fieldManager=tagproof&force=true` : '';
    return this.#json('PATCH', path + query, patch, PATCH_TYPES[type]);
  }

  delete(path: string): Promise<KubeObject> {
    return this.#json('DELETE', path);
  }

  /**
   * Reads the whole list page by page, as of one resource version. If the server has dropped that
   * version before the last page (410), the list starts again.
   * @param take reduces each object to what the caller needs: fifty thousand whole pods would fill
   * the memory
   */
  async list<T = KubeObject>(path: string, query = '', take = (object: KubeObject) => object as T): Promise<List<T>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#pages(path, query, take);
      } catch (error) {
        if (attempt >= 2 || !(error instanceof Problem && error.code === 'changed')) throw error;
      }
    }
  }

  async #pages<T>(path: string, query: string, take: (object: KubeObject) => T): Promise<List<T>> {
    const items: T[] = [];
    for (let next = ''; ; ) {
      const separator = `${path}${path.includes('?') ? '&' : '?'}`;
      const page = await this.get(
        `${separator}limit=${PAGE}${query}${next && `&continue=${encodeURIComponent(next)}`}`,
      );
      const { apiVersion = '', kind = '' } = page;
      const { continue: more = '', resourceVersion = '' } = (page['metadata'] ?? {}) as {
        continue?: string;
        resourceVersion?: string;
      };
      // Items of a list carry neither apiVersion nor kind.
      const item = { apiVersion, kind: kind.replace(/List$/, '') };
      for (const object of (page['items'] ?? []) as KubeObject[]) items.push(take({ ...item, ...object }));
      if (more === '') return { items, resourceVersion };
      next = more;
    }
  }

  /** The server's clock from its `Date` header, milliseconds since 1970, precise to the second. */
  async clock(): Promise<number | undefined> {
    const answer = await this.#send({ method: 'GET', path: '/version', signal: AbortSignal.timeout(DEADLINE_MS) });
    await answer.body.dump();
    const time = Date.parse(String(answer.headers['date']));
    return Number.isNaN(time) ? undefined : time;
  }

  /** Streams the body, for watches: only the caller's signal ends it. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const answer = await this.#send({ method: 'GET', path, signal });
    if (answer.statusCode !== 200) throw await this.#errorOf('GET', path, answer);
    return answer.body as AsyncIterable<Buffer>;
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  async #json(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: object,
    type = 'application/json',
  ): Promise<KubeObject> {
    const answer = await this.#send({ method, path, body, type, signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.statusCode >= 300) throw await this.#errorOf(method, path, answer);
    const bytes = await this.#read(answer.body);
    try {
      return JSON.parse(bytes.toString('utf8')) as KubeObject;
    } catch {
      throw this.#problem('protocol', `expected JSON for ${method} ${path}`);
    }
  }

  async #send({ method, path, body, type, signal }: Call): Promise<Dispatcher.ResponseData> {
    const headers = {
      accept: 'application/json',
      'user-agent': this.#userAgent,
      ...(await this.access.headers()),
      ...(body !== undefined && { 'content-type': type }),
    };
    try {
      return await request(`${this.access.server}${path}`, {
        method,
        headers,
        signal,
        dispatcher: this.#dispatcher,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const { name, code, message } = error as { name?: string; code?: string; message?: string };
      const reason = name === 'TimeoutError' ? 'no answer within the deadline' : (code ?? message ?? 'no answer');
      throw this.#problem('unreachable', `${method} ${path.split('?')[0]}: ${reason}`, error);
    }
  }

  async #read(body: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > MAX_BODY) throw this.#problem('limit', `a response of more than ${MAX_BODY} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw this.#problem('unreachable', 'the connection broke before the response was complete', error);
    }
    return Buffer.concat(chunks);
  }

  async #errorOf(method: string, path: string, { statusCode, body }: Dispatcher.ResponseData): Promise<Problem> {
    const answer = (await this.#read(body).catch(() => Buffer.alloc(0))).toString('utf8');
    let message = answer;
    try {
      message = (JSON.parse(answer) as { message?: string }).message ?? answer;
    } catch {
      // Not a Status object; a proxy may have answered with a page of its own.
    }
    const text = `${method} ${path.split('?')[0]}: ${message.slice(0, MAX_MESSAGE) || 'no reason given'} (${statusCode})`;
    return this.#problem(codeOf(statusCode), text);
  }

  #problem(code: ProblemCode, message: string, cause?: unknown): Problem {
    return new Problem(code, `the API server (${this.access.name}): ${message}`, {}, cause);
  }
}

function codeOf(status: number): ProblemCode {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 409) return 'conflict';
  if (status === 410) return 'changed';
  if (status === 429) return 'rate-limited';
  return status >= 500 ? 'unreachable' : 'protocol';
}
