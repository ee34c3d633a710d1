// Which tags the lock knows under the digest of a pin. Pure.
import type { Reference } from '../flow.ts';
import { repositoryOf, tagKey } from '../image/reference.ts';
import type { Lock } from './lock.ts';

/**
 * Other tags of the same repository that the lock knows under this digest, where it does not know
 * the written tag at all: somebody changed the tag and left the digest of the old one.
 * @returns an empty list where the lock says nothing against the pin
 */
export function tagsOfDigest(lock: Lock, reference: Reference): string[] {
  if (reference.digest === undefined || reference.tag === undefined || lock.has(tagKey(reference))) return [];
  const prefix = `${repositoryOf(reference)}:`;
  return [...lock]
    .filter(([key, { digest }]) => digest === reference.digest && key.startsWith(prefix))
    .map(([key]) => key.slice(prefix.length))
    .sort();
}
