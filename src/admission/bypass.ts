// Break-glass: a Bypass admits named images into one namespace for some hours. The API server
// itself decides who may create one (T19). Annotations and labels are never read.
import type { Reference } from '../flow.ts';
import { matchesPattern } from '../image/pattern.ts';
import { parseReference, repositoryOf } from '../image/reference.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { may } from '../kube/rights.ts';
import { GROUP } from '../policy/object.ts';
import { LITERAL_HOST } from '../policy/rule-schema.ts';
import { Problem } from '../problem.ts';
import type { AdmissionRequest } from './review.ts';

export type Bypass = {
  readonly namespace: string;
  readonly name: string;
  readonly images: readonly string[];
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly until: number;
};

/** Longest term of a bypass: an emergency is over in a day. Milliseconds. */
const MAX_MS = 24 * 3_600_000;

/** Checks what the schema in the API server cannot express. @throws Problem `syntax` */
export function readBypass({ metadata, spec }: KubeObject & { readonly spec?: unknown }): Bypass {
  const { images, reason, until } = (spec ?? {}) as { images?: string[]; reason?: string; until?: string };
  const end = Date.parse(until ?? '');
  if (!Array.isArray(images) || images.length === 0 || typeof reason !== 'string' || Number.isNaN(end))
    throw new Problem('syntax', 'expected spec.images, spec.reason and spec.until (RFC 3339)');
  const wrong = images.find((image) =>
    image.includes('*') ? !LITERAL_HOST.test(image) : parseReference(image) instanceof Problem,
  );
  if (wrong !== undefined)
    throw new Problem(
      'syntax',
      `spec.images: '${wrong}': expected an image, or a pattern with a literal host as ghcr.io/org/**`,
    );
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', images, reason, until: end };
}

/**
 * Limits a bypass to a day after its creation, whatever `until` says, because it may have been
 * created while the webhook was away.
 */
export function capped(bypass: Bypass, created: string | undefined): Bypass {
  const start = Date.parse(created ?? '');
  return Number.isNaN(start) ? bypass : { ...bypass, until: Math.min(bypass.until, start + MAX_MS) };
}

/** @throws Problem `usage` for a term that is too long or has ended */
export function checkTerm({ until }: Bypass, now: number): void {
  if (until > now + MAX_MS) throw new Problem('usage', 'spec.until: expected a time within a day from now');
  if (until <= now) throw new Problem('usage', 'spec.until: this time has already passed');
}

export function bypassFor(
  bypasses: readonly Bypass[],
  namespace: string,
  reference: Reference,
  now: number,
): Bypass | undefined {
  return bypasses.find(
    (bypass) =>
      bypass.namespace === namespace && bypass.until > now && bypass.images.some((image) => matches(image, reference)),
  );
}

/**
 * Matches a pattern, or an image. An image with a tag or digest matches that tag or digest only.
 */
function matches(image: string, reference: Reference): boolean {
  if (image.includes('*')) return LITERAL_HOST.test(image) && matchesPattern(image, repositoryOf(reference));
  const named = parseReference(image);
  if (named instanceof Problem || repositoryOf(named) !== repositoryOf(reference)) return false;
  if (named.digest !== undefined) return named.digest === reference.digest;
  return named.tag === undefined || named.tag === reference.tag;
}

/** Whether the user has the verb `bypass` on imagepolicies in the namespace. */
export function mayBypass(client: KubeClient, { userInfo, namespace }: AdmissionRequest): Promise<boolean> {
  const { username: user, uid, groups, extra } = userInfo;
  return may(
    client,
    { user, uid, groups, extra },
    { namespace, verb: 'bypass', group: GROUP, resource: 'imagepolicies' },
  );
}
