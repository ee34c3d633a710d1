// The lock after a run over the whole tree: what no place uses any more goes. Pure.
import type { Reference } from '../flow.ts';
import { tagKey } from '../image/reference.ts';
import { tagOfKey } from './digests.ts';
import type { Lock, LockEntry } from './lock.ts';

/** A reference as it stands in the tree after the run, and the name of its place. */
export type Use = { readonly reference: Reference; readonly place: string };

/**
 * The keys that no place of the whole tree uses.
 *
 * A digest is used where it stands beside its tag. The first digest of a tag is used, too, by a place without digest,
 * which would get it, and by a place with a digest that the lock does not know: else a disagreement would vanish with
 * the entry that shows it. A digest that is held since a rollback stays until the hold is released.
 */
export function unusedKeys(lock: Lock, uses: Iterable<Use>): string[] {
  const byTag = placesByTag(uses);
  return [...lock].filter(([key, entry]) => !isUsed(key, entry, lock, byTag)).map(([key]) => key);
}

/** Removes what is unused. Of the digests that are left of a tag, the last one seen is for new pins. @returns the removed keys */
export function settleLock(lock: Lock, uses: Iterable<Use>): string[] {
  const all = [...uses];
  const unused = unusedKeys(lock, all);
  for (const key of unused) lock.delete(key);
  for (const tag of new Set(unused.map(tagOfKey))) if (!lock.has(tag)) promote(lock, tag);
  const byTag = placesByTag(all);
  for (const [key, entry] of lock) lock.set(key, withoutLostPlaces(entry, byTag.get(tagOfKey(key))));
  return unused;
}

/** By digest; undefined is a place without one. */
type DigestPlaces = Map<string | undefined, Set<string>>;

function placesByTag(uses: Iterable<Use>): ReadonlyMap<string, DigestPlaces> {
  const tags = new Map<string, DigestPlaces>();
  for (const { reference, place } of uses) {
    const key = tagKey(reference);
    const digests: DigestPlaces = tags.get(key) ?? new Map();
    tags.set(key, digests);
    const places = digests.get(reference.digest) ?? new Set();
    digests.set(reference.digest, places.add(place));
  }
  return tags;
}

function isUsed(
  key: string,
  { digest, hold }: LockEntry,
  lock: Lock,
  byTag: ReadonlyMap<string, DigestPlaces>,
): boolean {
  const tag = tagOfKey(key);
  const here = byTag.get(tag);
  if (hold !== undefined || here?.has(digest)) return true;
  if (here === undefined || key !== tag) return false;
  const isKnown = (other: string) => lock.has(`${tag}@${other}`);
  return [...here.keys()].some((other) => other === undefined || !isKnown(other));
}

function promote(lock: Lock, tag: string): void {
  const [last] = [...lock]
    .filter(([key]) => key !== tag && tagOfKey(key) === tag)
    .sort(([, a], [, b]) => (a.firstSeen < b.firstSeen ? 1 : -1));
  if (last === undefined) return;
  lock.delete(last[0]);
  lock.set(tag, last[1]);
}

/** Names of places that are gone are left out; where pin wrote all that are there, no list is needed. */
function withoutLostPlaces(entry: LockEntry, here: DigestPlaces | undefined): LockEntry {
  const { wrote, ...rest } = entry;
  if (wrote === undefined) return entry;
  const places = here?.get(entry.digest) ?? new Set();
  const left = wrote.filter((place) => places.has(place));
  return places.size > 0 && left.length === places.size ? rest : { ...rest, wrote: left };
}
