// Calls to an API server: bounded, with deadlines, errors in its own words. Lists come in pages; watching is apart (watch.ts).
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { Problem, type ProblemCode } from '../problem.ts';
import type { Access } from './access.ts';
import type { KubeObject } from './object.ts';

/** One answer at the most, bytes: a page of large objects. */
const MAX_BODY = 64 * 1024 * 1024;
const DEADLINE_MS = 30_000;
/** Objects in one page of a list. */
const PAGE = 500;
/** What a person reads of a server's error, characters. */
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

  /** @param path with its query; @throws Problem */
  get(path: string): Promise<KubeObject> {
    return this.#json('GET', path);
  }

  /** What is there, or undefined where the server says that nothing is. */
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

  /** With the object's resourceVersion: a change by somebody else in between is a `conflict`. */
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
   * The whole list, page by page, as of one moment. Where that moment is lost between pages (410), it begins again.
   * @param take what to keep of each object: fifty thousand pods as they are would fill the memory
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
      // Items of a list do not say what they are.
      const item = { apiVersion, kind: kind.replace(/List$/, '') };
      for (const object of (page['items'] ?? []) as KubeObject[]) items.push(take({ ...item, ...object }));
      if (more === '') return { items, resourceVersion };
      next = more;
    }
  }

  /** The server's clock by its own word, milliseconds since 1970; to the second. */
  async clock(): Promise<number | undefined> {
    const answer = await this.#send('GET', '/version', undefined, undefined, AbortSignal.timeout(DEADLINE_MS));
    await answer.body.dump();
    const time = Date.parse(String(answer.headers['date']));
    return Number.isNaN(time) ? undefined : time;
  }

  /** The body as it comes, for watches: no deadline but the caller's. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const answer = await this.#send('GET', path, undefined, undefined, signal);
    if (answer.statusCode !== 200) throw await this.#failed('GET', path, answer);
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
    const answer = await this.#send(method, path, body, type, AbortSignal.timeout(DEADLINE_MS));
    if (answer.statusCode >= 300) throw await this.#failed(method, path, answer);
    const bytes = await this.#read(answer.body);
    try {
      return JSON.parse(bytes.toString('utf8')) as KubeObject;
    } catch {
      throw this.#problem('protocol', `expected JSON for ${method} ${path}`);
    }
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    body: object | undefined,
    type: string | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const headers = {
      accept: 'application/json',
      'user-agent': this.#userAgent,
      ...(await this.access.headers()),
      ...(body !== undefined && { 'content-type': type ?? 'application/json' }),
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
      const why = name === 'TimeoutError' ? 'no answer within the deadline' : (code ?? message ?? 'no answer');
      throw this.#problem('unreachable', `${method} ${path.split('?')[0]}: ${why}`, error);
    }
  }

  async #read(body: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > MAX_BODY) throw this.#problem('limit', `an answer of more than ${MAX_BODY} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw this.#problem('unreachable', 'the answer broke off', error);
    }
    return Buffer.concat(chunks);
  }

  async #failed(method: string, path: string, { statusCode, body }: Dispatcher.ResponseData): Promise<Problem> {
    const text = (await this.#read(body).catch(() => Buffer.alloc(0))).toString('utf8');
    let message = text;
    try {
      message = (JSON.parse(text) as { message?: string }).message ?? text;
    } catch {
      // not a Status object: a proxy's page, perhaps
    }
    const what = `${method} ${path.split('?')[0]}: ${message.slice(0, MAX_MESSAGE) || 'no reason given'} (${statusCode})`;
    return this.#problem(codeOf(statusCode), what);
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
