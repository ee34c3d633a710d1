// Who may read: on loopback whoever has the printed one-time token; in a cluster whom the API server knows and allows.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KubeClient } from '../kube/client.ts';
import { may } from '../kube/rights.ts';
import { GROUP } from '../policy/object.ts';

/** @param token as it came; undefined: none did */
export type Guard = (token: string | undefined) => Promise<'allowed' | 'unknown' | 'forbidden'>;

const hashOf = (text: string) => createHash('sha256').update(text).digest();

/** A token for one run. */
export function oneTimeToken(): { readonly token: string; readonly guard: Guard } {
  const token = randomBytes(24).toString('base64url');
  const expected = hashOf(token);
  const guard: Guard = async (given) =>
    given !== undefined && timingSafeEqual(hashOf(given), expected) ? 'allowed' : 'unknown';
  return { token, guard };
}

/** What a token was found to be is believed for so long, milliseconds. */
const BELIEVED_MS = 60_000;
const MAX_KEPT = 1000;

/** authentication.k8s.io/v1 TokenReview, then the verb `get` on records.tagproof.dev. */
export function kubernetesGuard(kube: KubeClient): Guard {
  const kept = new Map<string, { answer: Awaited<ReturnType<Guard>>; until: number }>();
  return async (token) => {
    if (token === undefined) return 'unknown';
    // Not the token itself: what stands in memory may be dumped.
    const key = hashOf(token).toString('base64');
    const known = kept.get(key);
    if (known !== undefined && known.until > Date.now()) return known.answer;
    const answer = await ask(kube, token);
    kept.delete(key);
    kept.set(key, { answer, until: Date.now() + BELIEVED_MS });
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value as string);
    return answer;
  };
}

async function ask(kube: KubeClient, token: string): Promise<Awaited<ReturnType<Guard>>> {
  const review = await kube.create('/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  });
  const { authenticated, user } = (review['status'] ?? {}) as {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
  if (authenticated !== true || user?.username === undefined) return 'unknown';
  const { username, uid, groups = [], extra } = user;
  const subject = { user: username, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
  return (await may(kube, subject, { verb: 'get', group: GROUP, resource: 'records' })) ? 'allowed' : 'forbidden';
}
