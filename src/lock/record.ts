// What pin takes into the lock: a digest that it wrote, or one that stood in the tree and that a registry confirms. Pure.
import type { PinnedReference } from '../flow.ts';
import { tagKey, withDigest } from '../image/reference.ts';
import { digestKey, entryOf, keyOf } from './digests.ts';
import type { Lock, LockEntry } from './lock.ts';

/** When and where a digest was seen, for a digest that the lock does not have yet. */
export type Sighting = Pick<LockEntry, 'mediaType' | 'platforms' | 'firstSeen' | 'source'>;

/**
 * Makes this digest the one that new pins of its tag get. The first sight of a digest is kept. The digest before it
 * keeps a line of its own: other places may still have it, and `settleLock` knows.
 */
export function recordDigest(lock: Lock, pin: PinnedReference, seen: Sighting): void {
  const key = tagKey(pin);
  const before = lock.get(key);
  if (before?.digest === pin.digest) return;
  const own = lock.get(digestKey(pin));
  if (before !== undefined) lock.set(digestKey(withDigest(pin, before.digest)), before);
  lock.delete(digestKey(pin));
  lock.set(key, own ?? { digest: pin.digest, ...seen });
}

/** Takes in a digest beside the one that new pins of its tag get. */
export function recordFurther(lock: Lock, pin: PinnedReference, seen: Sighting): void {
  if (entryOf(lock, pin) === undefined)
    lock.set(lock.has(tagKey(pin)) ? digestKey(pin) : tagKey(pin), { digest: pin.digest, ...seen });
}

export type Writing = {
  /** Whether the lock had no such digest before this run. An older entry that says "everywhere" stays so. */
  readonly isNew: boolean;
  /** Places where pin writes the digest now. */
  readonly written: readonly string[];
  /** False where every place of the tag with this digest was written by pin, as far as the run can know. */
  readonly partly: boolean;
};

/** Says of a digest in the lock where pin wrote it. */
export function recordWriting(lock: Lock, pin: PinnedReference, { isNew, written, partly }: Writing): void {
  const key = keyOf(lock, pin);
  const entry = lock.get(key);
  if (entry === undefined || (isNew ? !partly : entry.wrote === undefined)) return;
  lock.set(key, { ...entry, wrote: [...new Set([...(entry.wrote ?? []), ...written])].sort() });
}
