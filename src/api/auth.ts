// Who may read. On loopback: everyone with the printed token of this run. In a cluster: whom the API
// server authenticates and authorizes.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { may } from '../kube/rights.ts';
import { GROUP } from '../policy/object.ts';

export type ReadAccess = 'allowed' | 'unknown' | 'forbidden';
/** @param token as it was sent; undefined: none was */
export type Guard = (token: string | undefined) => Promise<ReadAccess>;

export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest();

/** In constant time: hashes have one length, and the time says nothing about the token. */
export const isToken = (given: string, expected: Buffer): boolean => timingSafeEqual(tokenHash(given), expected);

/** A token that is valid until this process ends. */
export function oneTimeToken(): { readonly token: string; readonly guard: Guard } {
  const token = randomBytes(24).toString('base64url');
  const expected = tokenHash(token);
  const guard: Guard = async (given) => (given !== undefined && isToken(given, expected) ? 'allowed' : 'unknown');
  return { token, guard };
}

/** How long an answer of the API server is cached, milliseconds. */
const CACHE_MS = 60_000;
const MAX_CACHED = 1000;

/** authentication.k8s.io/v1 TokenReview, then the right to get records.tagproof.dev. */
export function kubernetesGuard(kube: KubeClient, now: () => number = Date.now): Guard {
  const cache = new Map<string, { readonly access: ReadAccess; readonly until: number }>();
  return async (token) => {
    if (token === undefined) return 'unknown';
    // The hash and not the token: memory may be dumped.
    const key = tokenHash(token).toString('base64');
    const cached = cache.get(key);
    if (cached !== undefined && cached.until > now()) return cached.access;
    const access = await review(kube, token);
    cache.delete(key);
    cache.set(key, { access, until: now() + CACHE_MS });
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value as string);
    return access;
  };
}

async function review(kube: KubeClient, token: string): Promise<ReadAccess> {
  const { status } = await kube.create('/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  });
  const { authenticated, user } = (status ?? {}) as {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
  if (authenticated !== true || user?.username === undefined) return 'unknown';
  const { username, uid, groups = [], extra } = user;
  const subject = { user: username, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
  const isAllowed = await may(kube, subject, { verb: 'get', group: GROUP, resource: 'records' });
  return isAllowed ? 'allowed' : 'forbidden';
}
