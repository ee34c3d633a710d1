// One request for a token: GET with a password, POST with a refresh token. docker docs/spec/auth:
// token.md, oauth.md.
import { Problem } from '../problem.ts';
import type { Credential, CredentialSource } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { MAX_SMALL_BODY } from './limits.ts';
import { checkCredentialHost, isOwnHost } from './realm.ts';
import type { Transport } from './transport.ts';

export type BearerScheme = { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

export type Token = {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
};

export type TokenServiceOptions = {
  readonly endpoint: Endpoint;
  readonly transport: Pick<Transport, 'send'>;
  readonly credentials: CredentialSource;
  /** Host of the token service that the user allowed to see the credentials. */
  readonly tokenHost: string | undefined;
  /** What tokens are to allow: `pull`, or `pull,push`. */
  readonly actions: string;
};

/** Seconds that a token lives when its service does not say; from the specification. */
const DEFAULT_LIFE_S = 60;
/** A token is renewed this long before its end, milliseconds. */
const MARGIN_MS = 5_000;

export const isFresh = (token: Token, now = Date.now()) => token.expires - MARGIN_MS > now;

export class TokenService {
  readonly #options: TokenServiceOptions;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** The credentials of this repository. A mirror has its own, under its own host. */
  credential(repository: string): Promise<Credential | undefined> {
    const { endpoint, credentials } = this.#options;
    return credentials(endpoint.mirror ? new URL(endpoint.base).host : endpoint.registry, repository);
  }

  /** @param repositories all with the credentials of the first */
  async fetch(scheme: BearerScheme, repositories: readonly string[]): Promise<Token> {
    const { endpoint, transport, tokenHost, actions } = this.#options;
    const credential = await this.credential(repositories[0] as string);
    if (credential !== undefined) checkCredentialHost(endpoint.base, tokenHost, scheme.realm);
    const scopes = repositories.map((repository) => `repository:${repository}:${actions}`);
    const call =
      credential?.kind === 'identity' ? post(scheme, scopes, credential.token) : get(scheme, scopes, credential);
    const answer = await transport.send(endpoint, call, isOwnHost(endpoint.base, tokenHost, scheme.realm));
    return readToken(answer, scheme.realm.host);
  }
}

function get(scheme: BearerScheme, scopes: string[], credential: (Credential & { kind: 'basic' }) | undefined): Call {
  const url = new URL(scheme.realm);
  if (scheme.service !== undefined) url.searchParams.set('service', scheme.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = credential === undefined ? {} : { authorization: basic(credential) };
  return { method: 'GET', url: url.href, headers, limit: MAX_SMALL_BODY };
}

function post(scheme: BearerScheme, scopes: string[], refreshToken: string): Call {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'tagproof',
    refresh_token: refreshToken,
    scope: scopes.join(' '),
  });
  if (scheme.service !== undefined) form.set('service', scheme.service);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: scheme.realm.href, headers, body: form.toString(), limit: MAX_SMALL_BODY };
}

/** @throws Problem that never quotes the body: it may hold a token */
export function readToken({ status, body }: RegistryResponse, host: string, now = Date.now()): Token {
  if (status === 401 || status === 403)
    throw new Problem('denied', `the token service ${host} refuses the credentials (${status})`);
  if (status === 429) throw new Problem('rate-limited', `the token service ${host} asks to slow down (429)`);
  if (status !== 200) throw new Problem('unreachable', `the token service ${host} answered ${status}`);
  let json: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Problem('protocol', `the token service ${host} did not answer with JSON`);
  }
  const value = json?.token ?? json?.access_token;
  // Printable ASCII only: the token goes into a header as it is.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new Problem('protocol', `the token service ${host} answered without a token`);
  const seconds = typeof json?.expires_in === 'number' && json.expires_in > 0 ? json.expires_in : DEFAULT_LIFE_S;
  // A life shorter than the margin still serves the request that the token was fetched for.
  return { value, expires: now + Math.max(seconds * 1000, MARGIN_MS + 1000) };
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * The repositories that a token allows to pull from, if it is a JWT and says so. The client does not check its
 * signature here: that is the registry's task, and a wrong claim costs one 401 and nothing else.
 */
export function grantedBy(token: string): Set<string> | undefined {
  const [, payload] = token.split('.');
  if (payload === undefined) return undefined;
  try {
    const { access } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { access?: unknown };
    if (!Array.isArray(access)) return undefined;
    const grants = access as ({ type?: unknown; name?: unknown; actions?: unknown } | null)[];
    const pulls = grants.filter(
      (grant) => grant?.type === 'repository' && Array.isArray(grant.actions) && grant.actions.includes('pull'),
    );
    return new Set(pulls.map((grant) => String(grant?.name)));
  } catch {
    return undefined;
  }
}
