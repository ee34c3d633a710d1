// Authorization for one endpoint. distribution-spec, "token authentication" (docker
// docs/spec/auth/token.md, oauth.md).
//
// The handshake, with as few requests as possible:
//  1. The first request goes out without credentials; the others wait for its answer.
//  2. 200: the registry is open, and no request carries anything. 401 Basic: credentials go with
//     every request.
//  3. 401 Bearer: each repository needs a token from the realm. Because all repositories of the run
//     are known, one token is requested for up to 25 of them. A token says what it grants (JWT
//     `access`). If it grants less, or does not say, it serves the one repository that it was
//     fetched for, and the others ask one by one. So asking for many never costs a request more.
//  4. 401 with a token: once, a fresh token for this repository alone.
import { parseChallenges } from './challenge.ts';
import type { Credential } from './credential.ts';
import type { RegistryResponse } from './exchange.ts';
import { SCOPES_PER_TOKEN } from './limits.ts';
import { checkRealm } from './realm.ts';
import {
  type BearerScheme,
  basic,
  grantedBy,
  isFresh,
  type Token,
  TokenService,
  type TokenServiceOptions,
} from './token-service.ts';

type Scheme = { readonly kind: 'open' } | { readonly kind: 'basic' } | BearerScheme;

/** How long a host that did not answer counts as down, milliseconds. */
const FORGIVE_MS = 5_000;

export class Authorizer {
  readonly #base: string;
  readonly #service: TokenService;
  readonly #tokens = new Map<string, Promise<Token>>();
  /** Repositories that this run will ask for and that have no token yet. */
  readonly #expected = new Set<string>();
  #handshake: Promise<Scheme> | undefined;
  /** Whether one token may be requested for several repositories. */
  #together = true;

  constructor(options: TokenServiceOptions) {
    this.#base = options.endpoint.base;
    this.#service = new TokenService(options);
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
        // A host that does not answer is asked once, not once per image; after a while it gets
        // another chance.
        reject(error);
        setTimeout(() => (this.#handshake = undefined), FORGIVE_MS).unref();
        throw error;
      }
    }
    let scheme = await this.#handshake;
    const answer = await send(await this.#header(scheme, repository));
    if (answer.status !== 401) return answer;
    // An open registry with private repositories, or a token that expired on the way or grants less
    // than it claims.
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
    if (bearer !== undefined)
      return { kind: 'bearer', realm: checkRealm(this.#base, bearer.realm), service: bearer.service };
    if (challenges.some((challenge) => challenge.scheme === 'basic')) return { kind: 'basic' };
    return before ?? { kind: 'open' };
  }

  async #header(scheme: Scheme, repository: string): Promise<string | undefined> {
    if (scheme.kind === 'open') return undefined;
    if (scheme.kind === 'basic') {
      const credential = await this.#service.credential(repository);
      return credential?.kind === 'basic' ? basic(credential) : undefined;
    }
    const before = this.#tokens.get(repository);
    const token = await before;
    if (token !== undefined && isFresh(token)) return `Bearer ${token.value}`;
    // Another request may have renewed it while this one waited.
    const now = this.#tokens.get(repository);
    return `Bearer ${(await (now !== undefined && now !== before ? now : this.#obtain(scheme, repository))).value}`;
  }

  /**
   * Starts fetching a token for this repository, and in the same request for others that are still
   * to come.
   */
  #obtain(scheme: BearerScheme, repository: string): Promise<Token> {
    this.#expected.delete(repository);
    const others = this.#together ? [...this.#expected].slice(0, SCOPES_PER_TOKEN - 1) : [];
    for (const other of others) this.#expected.delete(other);
    const shared = others.length === 0 ? undefined : this.#shared(scheme, repository, others);
    const single = shared?.then((result) => result.token) ?? this.#service.fetch(scheme, [repository]);
    this.#keep(repository, single);
    for (const other of others) {
      const token = (shared as NonNullable<typeof shared>).then(
        ({ token, granted }) => (granted.has(other) ? token : this.#service.fetch(scheme, [other])),
        () => this.#service.fetch(scheme, [other]),
      );
      this.#keep(other, token);
    }
    return single;
  }

  #keep(repository: string, token: Promise<Token>): void {
    this.#tokens.set(repository, token);
    // A failure is not kept: the next image of this repository asks again.
    token.catch(() => this.#tokens.get(repository) === token && this.#tokens.delete(repository));
  }

  async #shared(
    scheme: BearerScheme,
    repository: string,
    others: readonly string[],
  ): Promise<{ token: Token; granted: Set<string> }> {
    // One token carries one identity: only repositories with the same credentials share it.
    const mine = await this.#service.credential(repository);
    const same: string[] = [];
    for (const other of others) if (isSame(await this.#service.credential(other), mine)) same.push(other);
    try {
      const token = await this.#service.fetch(scheme, [repository, ...same]);
      const granted = grantedBy(token.value);
      if (granted === undefined || same.some((other) => !granted.has(other))) this.#together = false;
      // What the token grants beyond the request is not used: it belongs to this identity alone.
      return { token, granted: new Set(same.filter((other) => granted?.has(other))) };
    } catch (error) {
      if (same.length === 0) throw error;
      this.#together = false;
      return { token: await this.#service.fetch(scheme, [repository]), granted: new Set() };
    }
  }
}

function isSame(a: Credential | undefined, b: Credential | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
