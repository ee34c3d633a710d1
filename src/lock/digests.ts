// Which digests the lock knows under a tag, and which tags under a digest. Pure.
import type { PinnedReference, Reference } from '../flow.ts';
import { repositoryOf, tagKey } from '../image/reference.ts';
import type { Lock, LockEntry } from './lock.ts';

/**
 * The key of a further digest of a tag: two environments may pin one tag to different digests. It has a line of its own,
 * so that git merges it like any other, and a reader that asks for the tag gets the one digest that new pins get.
 */
export const digestKey = (pin: PinnedReference): string => `${tagKey(pin)}@${pin.digest}`;

/** The key of the tag that a line of the lock is about. */
export const tagOfKey = (key: string): string => key.replace(/@sha\d+:[a-f0-9]+$/, '');

/** What the lock knows of this tag at this digest: the digest that new pins of the tag get, or a further one. */
export function entryOf(lock: Lock, pin: PinnedReference): LockEntry | undefined {
  return lock.get(keyOf(lock, pin));
}

/** The key under which the lock has this tag at this digest, or would have it. */
export function keyOf(lock: Lock, pin: PinnedReference): string {
  const key = tagKey(pin);
  return lock.get(key)?.digest === pin.digest ? key : digestKey(pin);
}

/**
 * Other tags of the same repository that the lock knows under this digest, where it does not know the digest under the
 * written tag: somebody changed the tag and left the digest of the old one.
 * @returns an empty list where the lock says nothing against the pin
 */
export function tagsOfDigest(lock: Lock, pin: Reference): string[] {
  const { digest, tag } = pin;
  if (digest === undefined || tag === undefined || entryOf(lock, { ...pin, digest }) !== undefined) return [];
  const prefix = `${repositoryOf(pin)}:`;
  const tags = [...lock]
    .filter(([key, entry]) => entry.digest === digest && key.startsWith(prefix))
    .map(([key]) => tagOfKey(key).slice(prefix.length));
  return [...new Set(tags)].sort();
}
