// Authorization for one endpoint. distribution-spec, "token authentication" (docker's docs/spec/auth/token.md, oauth.md).
//
// The handshake, with as few requests as there can be:
//  1. the first request goes out bare; the others wait for what it meets
//  2. 200: the registry is open, nobody sends anything          401 Basic: credentials with every request
//  3. 401 Bearer: one token per repository from the realm, or, as we know all repositories of the run, one token for up
//     to 25 of them. A token says what it grants (JWT `access`); if it grants less, or does not say, it serves the one
//     repository it was fetched for, and the rest ask one by one, so asking for many never costs a request more.
//  4. 401 with a token: once, a fresh token for this repository alone
import { Problem } from '../problem.ts';
import { parseChallenges } from './challenge.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { MAX_SMALL_BODY, SCOPES_PER_TOKEN } from './limits.ts';
import type { RegistryResponse, Transport } from './transport.ts';

type Scheme = { kind: 'open' } | { kind: 'basic' } | { kind: 'bearer'; realm: URL; service: string | undefined };
type Token = { readonly value: string; readonly expires: number };

/** Seconds that a token lives when its service does not say; from the specification. */
const DEFAULT_LIFE_S = 60;
/** A token is renewed this long before its end, milliseconds. */
const MARGIN_MS = 5_000;
/** How long a host that did not answer counts as down, milliseconds. */
const FORGIVE_MS = 5_000;

export class Authorizer {
  readonly #endpoint: Endpoint;
  readonly #transport: Transport;
  readonly #credentials: CredentialSource;
  readonly #tokenHost: string | undefined;
  readonly #actions: string;
  readonly #tokens = new Map<string, Promise<Token>>();
  /** Repositories that this run will ask for and that have no token yet. */
  readonly #expected = new Set<string>();
  #handshake: Promise<Scheme> | undefined;
  #together = true;

  /** @param actions what the tokens are to allow: `pull`, or `pull,push` */
  constructor(
    endpoint: Endpoint,
    transport: Transport,
    credentials: CredentialSource,
    tokenHost: string | undefined,
    actions = 'pull',
  ) {
    this.#endpoint = endpoint;
    this.#transport = transport;
    this.#credentials = credentials;
    this.#tokenHost = tokenHost;
    this.#actions = actions;
  }

  expect(repositories: Iterable<string>): void {
    for (const repository of repositories) this.#expected.add(repository);
  }

  /** Sends through `send`, which gets the Authorization header to use, and answers challenges. */
  async authorized(
    repository: string,
    send: (authorization: string | undefined) => Promise<RegistryResponse>,
  ): Promise<RegistryResponse> {
    if (this.#handshake === undefined) {
      const { promise, resolve, reject } = Promise.withResolvers<Scheme>();
      promise.catch(() => {});
      this.#handshake = promise;
      try {
        const answer = await send(undefined);
        const scheme = answer.status === 401 ? this.#schemeOf(answer) : ({ kind: 'open' } as const);
        resolve(scheme);
        if (scheme.kind === 'open') return answer;
      } catch (error) {
        // A host that does not answer is asked once, not once per image; after a while it gets another chance.
        reject(error);
        setTimeout(() => (this.#handshake = undefined), FORGIVE_MS).unref();
        throw error;
      }
    }
    let scheme = await this.#handshake;
    const answer = await send(await this.#header(scheme, repository));
    if (answer.status !== 401) return answer;
    // An open registry with private corners, or a token that expired on the way or grants less than it seemed.
    scheme = this.#schemeOf(answer, scheme);
    if (scheme.kind === 'bearer') {
      this.#tokens.delete(repository);
      this.#together = false;
    } else if (scheme.kind === 'basic' && (await this.#handshake).kind === 'basic') return answer;
    const header = await this.#header(scheme, repository);
    return header === undefined ? answer : send(header);
  }

  #schemeOf(answer: RegistryResponse, before?: Scheme): Scheme {
    const challenges = parseChallenges([answer.headers['www-authenticate'] ?? []].flat().join(', '));
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer !== undefined) return { kind: 'bearer', realm: this.#checkRealm(bearer.realm), service: bearer.service };
    if (challenges.some((challenge) => challenge.scheme === 'basic')) return { kind: 'basic' };
    return before ?? { kind: 'open' };
  }

  /** T47: a token service is asked over TLS, unless the registry itself is spoken to in the clear. */
  #checkRealm(realm: string): URL {
    const { host, protocol } = new URL(this.#endpoint.base);
    if (!URL.canParse(realm)) throw new Problem('protocol', `${host} names a token service that is no URL`);
    const url = new URL(realm);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && protocol === 'http:')) {
      throw new Problem(
        'refused',
        `${host} names a token service without TLS (${url.protocol}//${url.host}); not asked`,
      );
    }
    return url;
  }

  async #header(scheme: Scheme, repository: string): Promise<string | undefined> {
    if (scheme.kind === 'open') return undefined;
    if (scheme.kind === 'basic') {
      const credential = await this.#credentials(this.#registry, repository);
      return credential?.kind === 'basic' ? basic(credential) : undefined;
    }
    const kept = this.#tokens.get(repository);
    const token = await kept;
    if (token !== undefined && token.expires - MARGIN_MS > Date.now()) return `Bearer ${token.value}`;
    // Somebody else may have renewed it while we waited.
    const now = this.#tokens.get(repository);
    return `Bearer ${(await (now !== undefined && now !== kept ? now : this.#obtain(scheme, repository))).value}`;
  }

  get #registry(): string {
    // A mirror has credentials of its own, under its own host.
    return this.#endpoint.mirror ? new URL(this.#endpoint.base).host : this.#endpoint.registry;
  }

  /** Starts fetching a token for this repository, and in the same request for others that are still to come. */
  #obtain(scheme: Scheme & { kind: 'bearer' }, repository: string): Promise<Token> {
    this.#expected.delete(repository);
    const others = this.#together ? [...this.#expected].slice(0, SCOPES_PER_TOKEN - 1) : [];
    for (const other of others) this.#expected.delete(other);
    const shared = others.length === 0 ? undefined : this.#shared(scheme, repository, others);
    const single = shared?.then((result) => result.token) ?? this.#fetch(scheme, [repository]);
    this.#keep(repository, single);
    for (const other of others) {
      const own = (shared as NonNullable<typeof shared>).then(
        ({ token, granted }) => (granted.has(other) ? token : this.#fetch(scheme, [other])),
        () => this.#fetch(scheme, [other]),
      );
      this.#keep(other, own);
    }
    return single;
  }

  #keep(repository: string, token: Promise<Token>): void {
    this.#tokens.set(repository, token);
    // A failure is not kept: the next image of this repository may meet a better moment.
    token.catch(() => this.#tokens.get(repository) === token && this.#tokens.delete(repository));
  }

  async #shared(
    scheme: Scheme & { kind: 'bearer' },
    repository: string,
    others: string[],
  ): Promise<{ token: Token; granted: Set<string> }> {
    // One token speaks for one identity: only repositories with the same credentials share it.
    const mine = await this.#credentials(this.#registry, repository);
    const same: string[] = [];
    for (const other of others) if (equal(await this.#credentials(this.#registry, other), mine)) same.push(other);
    try {
      const token = await this.#fetch(scheme, [repository, ...same]);
      const granted = grantedBy(token.value);
      if (granted === undefined || same.some((other) => !granted.has(other))) this.#together = false;
      return { token, granted: granted ?? new Set() };
    } catch (error) {
      if (same.length === 0) throw error;
      this.#together = false;
      return { token: await this.#fetch(scheme, [repository]), granted: new Set() };
    }
  }

  async #fetch(scheme: Scheme & { kind: 'bearer' }, repositories: string[]): Promise<Token> {
    const credential = await this.#credentials(this.#registry, repositories[0] as string);
    if (credential !== undefined) this.#checkTokenHost(scheme.realm);
    const scopes = repositories.map((repository) => `repository:${repository}:${this.#actions}`);
    const answer =
      credential?.kind === 'identity'
        ? await this.#post(scheme, scopes, credential.token)
        : await this.#get(scheme, scopes, credential);
    return this.#read(answer, scheme.realm);
  }

  #get(
    scheme: Scheme & { kind: 'bearer' },
    scopes: string[],
    credential: (Credential & { kind: 'basic' }) | undefined,
  ): Promise<RegistryResponse> {
    const url = new URL(scheme.realm);
    if (scheme.service !== undefined) url.searchParams.set('service', scheme.service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    const headers: Record<string, string> = credential === undefined ? {} : { authorization: basic(credential) };
    return this.#transport.send(
      this.#endpoint,
      { method: 'GET', url: url.href, headers, limit: MAX_SMALL_BODY },
      this.#isOwnHost(url),
    );
  }

  #post(scheme: Scheme & { kind: 'bearer' }, scopes: string[], refreshToken: string): Promise<RegistryResponse> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'tagproof',
      refresh_token: refreshToken,
      scope: scopes.join(' '),
    });
    if (scheme.service !== undefined) form.set('service', scheme.service);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const call = {
      method: 'POST',
      url: scheme.realm.href,
      headers,
      body: form.toString(),
      limit: MAX_SMALL_BODY,
    } as const;
    return this.#transport.send(this.#endpoint, call, this.#isOwnHost(scheme.realm));
  }

  #read(answer: RegistryResponse, realm: URL): Token {
    if (answer.status === 401 || answer.status === 403) {
      throw new Problem('denied', `the token service ${realm.host} refuses the credentials (${answer.status})`);
    }
    if (answer.status === 429)
      throw new Problem('rate-limited', `the token service ${realm.host} asks to slow down (429)`);
    if (answer.status !== 200)
      throw new Problem('unreachable', `the token service ${realm.host} answered ${answer.status}`);
    let body: { token?: unknown; access_token?: unknown; expires_in?: unknown };
    try {
      body = JSON.parse(answer.body.toString('utf8'));
    } catch {
      throw new Problem('protocol', `the token service ${realm.host} did not answer with JSON`);
    }
    const value = body.token ?? body.access_token;
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new Problem('protocol', `the token service ${realm.host} answered without a token`);
    }
    const life = typeof body.expires_in === 'number' && body.expires_in > 0 ? body.expires_in : DEFAULT_LIFE_S;
    return { value, expires: Date.now() + Math.max(life * 1000, MARGIN_MS + 1000) };
  }

  #isOwnHost(url: URL): boolean {
    return url.host === new URL(this.#endpoint.base).host || url.host === this.#tokenHost;
  }

  /**
   * Credentials go to the registry's own host, to its own domain (registry.gitlab.com → gitlab.com, registry-1.docker.io
   * → auth.docker.io), or where the user said; never wherever an answer points.
   */
  #checkTokenHost(realm: URL): void {
    const { hostname } = new URL(this.#endpoint.base);
    if (this.#isOwnHost(realm) || realm.hostname === hostname) return;
    const domain = hostname.split('.').slice(1).join('.');
    const within =
      domain.includes('.') &&
      !/^[\d.]+$/.test(hostname) &&
      (realm.hostname === domain || realm.hostname.endsWith(`.${domain}`));
    if (within) return;
    throw new Problem(
      'refused',
      `${hostname} asks to send its credentials to ${realm.host}, outside its own domain; if that is right, set tokenHost: ${realm.host} for it under registries in tagproof.yaml`,
    );
  }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function equal(a: Credential | undefined, b: Credential | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The repositories that a token lets us pull, if it is a JWT and says so. The signature is the registry's affair: a wrong
 * claim here costs one 401 and nothing else.
 */
function grantedBy(token: string): Set<string> | undefined {
  const [, payload] = token.split('.');
  if (payload === undefined) return undefined;
  try {
    const { access } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { access?: unknown };
    if (!Array.isArray(access)) return undefined;
    const grants = access as { type?: unknown; name?: unknown; actions?: unknown }[];
    const pulls = grants.filter(
      (grant) => grant?.type === 'repository' && Array.isArray(grant.actions) && grant.actions.includes('pull'),
    );
    return new Set(pulls.map((grant) => String(grant.name)));
  } catch {
    return undefined;
  }
}
