// A small OCI registry in memory over real HTTP, for the demo, tests and benchmarks: push, pull,
// tags, three kinds of auth.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest } from '../image/digest.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX } from '../image/media-type.ts';

export type EmbeddedOptions = {
  /** `basic` and `bearer` require this user. Absent: the registry is open. */
  readonly auth?: { readonly kind: 'basic' | 'bearer'; readonly username?: string; readonly password?: string };
  /** Milliseconds before each answer. */
  readonly latencyMs?: number;
  /** How many of the requested scopes one token grants; Infinity: all. */
  readonly scopesHonoured?: number;
  /** false: without the referrers API, as registries before OCI 1.1. */
  readonly referrers?: boolean;
  /** Called first; when it returns true, it has answered. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
};

type Stored = { readonly mediaType: string; readonly bytes: Buffer };
type Repository = {
  readonly tags: Map<string, string>;
  readonly manifests: Map<string, Stored>;
  readonly blobs: Map<string, Buffer>;
};

/** The last part of the path of an upload, and the digest that ends it. */
type Upload = { readonly name: string; readonly rest: string; readonly digest: string };

const NAME = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.*)$/;
const MAX_UPLOAD = 64 * 1024 * 1024;

/** Owns a listening socket on loopback; `close` frees it. */
export class EmbeddedRegistry {
  /** Requests so far, as `HEAD /v2/x/manifests/1`. */
  readonly log: string[] = [];
  readonly #options: EmbeddedOptions;
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, Buffer>();
  readonly #server: Server;
  #uploadCount = 0;

  constructor(options: EmbeddedOptions = {}) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        if (!response.headersSent) fail(response, 500, 'UNKNOWN', String(error));
      });
    });
  }

  /** @returns host:port, as references write it */
  async listen(port = 0): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    await promise;
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://registry');
    this.log.push(`${request.method} ${url.pathname}`);
    if (this.#options.latencyMs) await sleep(this.#options.latencyMs);
    if (this.#options.intercept?.(request, response)) return;
    if (url.pathname === '/token') return this.#token(url, request, response);
    if (!this.#allowed(url, request)) return this.#challenge(request, response);
    if (url.pathname === '/v2/' || url.pathname === '/v2') return void response.end('{}');
    const match = NAME.exec(url.pathname);
    if (match === null) return fail(response, 404, 'UNSUPPORTED', 'no such route');
    const [, name, kind, rest] = match as unknown as [string, string, string, string];
    if (kind === 'manifests') return this.#manifest(request, response, name, rest);
    if (kind === 'blobs' && request.method !== 'GET' && request.method !== 'HEAD')
      return this.#upload(request, response, { name, rest, digest: url.searchParams.get('digest') ?? '' });
    if (kind === 'blobs') return this.#blob(request, response, name, rest);
    if (kind === 'referrers' && this.#options.referrers !== false) return this.#referrers(response, name, rest);
    if (kind === 'referrers') return fail(response, 404, 'UNSUPPORTED', 'no such route');
    const tags = [...(this.#repositories.get(name)?.tags.keys() ?? [])].sort();
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ name, tags }));
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, name: string, target: string): Promise<void> {
    if (request.method === 'PUT') {
      const bytes = await readBody(request);
      const digest = digestOf(bytes);
      if (isDigest(target) && target !== digest) return fail(response, 400, 'DIGEST_INVALID', `the body is ${digest}`);
      const repository = this.#open(name);
      repository.manifests.set(digest, { mediaType: request.headers['content-type'] ?? '', bytes });
      if (!isDigest(target)) repository.tags.set(target, digest);
      response.writeHead(201, { location: `/v2/${name}/manifests/${digest}`, 'docker-content-digest': digest }).end();
      return;
    }
    const repository = this.#repositories.get(name);
    const digest = isDigest(target) ? target : repository?.tags.get(target);
    if (request.method === 'DELETE' && repository !== undefined && digest !== undefined) {
      repository.manifests.delete(digest);
      response.writeHead(202).end();
      return;
    }
    const stored = digest === undefined ? undefined : repository?.manifests.get(digest);
    if (stored === undefined || digest === undefined)
      return fail(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    response.writeHead(200, {
      'content-type': stored.mediaType,
      'content-length': stored.bytes.length,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : stored.bytes);
  }

  /** POST opens an upload, PATCH adds to it, PUT ends it; PUT may carry everything. */
  async #upload(request: IncomingMessage, response: ServerResponse, { name, rest, digest }: Upload): Promise<void> {
    if (request.method === 'POST') {
      await readBody(request);
      const id = `uploads/${++this.#uploadCount}`;
      this.#uploads.set(id, Buffer.alloc(0));
      response.writeHead(202, { location: `/v2/${name}/blobs/${id}`, range: '0-0' }).end();
      return;
    }
    const before = this.#uploads.get(rest);
    if (before === undefined) return fail(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload');
    const bytes = Buffer.concat([before, await readBody(request)]);
    if (bytes.length > MAX_UPLOAD) return fail(response, 413, 'SIZE_INVALID', 'upload too large');
    if (request.method === 'PATCH') {
      this.#uploads.set(rest, bytes);
      response.writeHead(202, { location: `/v2/${name}/blobs/${rest}`, range: `0-${bytes.length - 1}` }).end();
      return;
    }
    this.#uploads.delete(rest);
    if (digestOf(bytes) !== digest) return fail(response, 400, 'DIGEST_INVALID', 'the body has another digest');
    this.#open(name).blobs.set(digest, bytes);
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  #blob(request: IncomingMessage, response: ServerResponse, name: string, rest: string): void {
    const bytes = this.#repositories.get(name)?.blobs.get(rest);
    if (bytes === undefined) return fail(response, 404, 'BLOB_UNKNOWN', 'blob unknown');
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': bytes.length,
      'docker-content-digest': rest,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  /** Manifests whose subject is this digest. */
  #referrers(response: ServerResponse, name: string, subject: string): void {
    const manifests = [...(this.#repositories.get(name)?.manifests ?? [])].flatMap(([digest, { mediaType, bytes }]) => {
      const manifest = JSON.parse(bytes.toString('utf8'));
      if (manifest.subject?.digest !== subject) return [];
      const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
      return [{ mediaType, digest, size: bytes.length, artifactType, annotations: manifest.annotations }];
    });
    response
      .setHeader('content-type', OCI_INDEX)
      .end(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  }

  #open(name: string): Repository {
    let repository = this.#repositories.get(name);
    if (repository === undefined) {
      repository = { tags: new Map(), manifests: new Map(), blobs: new Map() };
      this.#repositories.set(name, repository);
    }
    return repository;
  }

  // --- authorization ---

  #allowed(url: URL, request: IncomingMessage): boolean {
    const { auth } = this.#options;
    if (auth === undefined || ['PUT', 'POST', 'PATCH'].includes(request.method ?? '')) return true;
    const header = request.headers.authorization ?? '';
    if (auth.kind === 'basic') return header === this.#basic();
    const [, payload] = header.replace(/^Bearer /, '').split('.');
    if (payload === undefined) return false;
    const { access } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { access: { name: string }[] };
    const name = NAME.exec(url.pathname)?.[1];
    return name === undefined || access.some((grant) => grant.name === name);
  }

  #challenge(request: IncomingMessage, response: ServerResponse): void {
    const kind =
      this.#options.auth?.kind === 'bearer'
        ? `Bearer realm="http://${request.headers.host}/token",service="embedded"`
        : 'Basic realm="embedded"';
    response.setHeader('www-authenticate', kind);
    fail(response, 401, 'UNAUTHORIZED', 'authentication required');
  }

  /**
   * A token service like distribution's: a JWT that names what it grants, here without a signature.
   */
  #token(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const { auth, scopesHonoured = Number.POSITIVE_INFINITY } = this.#options;
    if (auth?.username !== undefined && request.headers.authorization !== this.#basic()) {
      return fail(response, 401, 'UNAUTHORIZED', 'wrong user or password');
    }
    const names = url.searchParams
      .getAll('scope')
      .slice(0, scopesHonoured)
      .map((scope) => scope.split(':').slice(1, -1).join(':'));
    const access = names.map((name) => ({ type: 'repository', name, actions: ['pull'] }));
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const token = `${encode({ alg: 'none' })}.${encode({ access })}.x`;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ token, expires_in: 300 }));
  }

  #basic(): string {
    const { username = '', password = '' } = this.#options.auth ?? {};
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ errors: [{ code, message }] }));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_UPLOAD) throw new Error('upload too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
