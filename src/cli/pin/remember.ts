// What a run takes into the lock of the digests that it writes, and what goes from it because the tree no longer uses it.
import type { Found, Resolution, Resolved } from '../../flow.ts';
import { isPinned, parseReference, printReference, tagKey, withDigest, withoutDigest } from '../../image/reference.ts';
import { entryOf, keyOf } from '../../lock/digests.ts';
import type { Lock, LockEntry, LockEvidence } from '../../lock/lock.ts';
import { recordDigest, recordWriting } from '../../lock/record.ts';
import { settleLock, type Use, unusedKeys } from '../../lock/settle.ts';
import { Problem } from '../../problem.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import { answerFor } from './pin-targets.ts';
import { placeNames } from './whole-tree.ts';

export type Writings = {
  readonly gathered: GatheredFiles;
  /** Places that have their answer's digest after this run. */
  readonly pinned: readonly Found[];
  readonly answers: ReadonlyMap<string, Resolution>;
  /** By what the images passed the policy, by printReference without digest. */
  readonly evidence: ReadonlyMap<string, LockEvidence>;
  /** The folder of the project. */
  readonly root: string;
  /** Whether `gathered` has every place of the tree, those in files that were not asked for too. */
  readonly knowsAll: boolean;
};

/** Takes new digests and new evidence into the lock, and where they were written; the first sight of a digest is kept. */
export function remember(lock: Lock, { gathered, pinned, answers, evidence, root, knowsAll }: Writings): void {
  const names = placeNames(gathered, root);
  const standing = standingPins(gathered);
  const groups = Map.groupBy(pinned, (found) => `${tagKey(found.reference)} ${digestOfAnswer(found, answers)}`);
  for (const places of groups.values()) {
    const [first] = places as [Found, ...Found[]];
    const answer = answerFor(first, answers);
    if (answer === undefined || answer instanceof Problem) continue;
    const pin = withDigest(first.reference, answer.digest);
    const isNew = entryOf(lock, pin) === undefined;
    recordDigest(lock, pin, sightingOf(answer));
    const verified = evidence.get(printReference(withoutDigest(first.reference)));
    const key = keyOf(lock, pin);
    if (verified !== undefined) lock.set(key, { ...(lock.get(key) as LockEntry), verified });
    const written = places.filter(({ reference }) => reference.digest !== answer.digest);
    recordWriting(lock, pin, {
      isNew,
      written: written.map((found) => names.get(found) as string),
      partly: !knowsAll || standing.has(keyOfPin(pin)),
    });
  }
}

const keyOfPin = (pin: Found['reference']) => `${tagKey(pin)} ${pin.digest}`;

const digestOfAnswer = (found: Found, answers: ReadonlyMap<string, Resolution>) => {
  const answer = answerFor(found, answers);
  return answer === undefined || answer instanceof Problem ? undefined : answer.digest;
};

const sightingOf = ({ mediaType, platforms, at, mirror, from }: Resolved) => ({
  firstSeen: at,
  source: mirror ?? from,
  ...(mediaType !== undefined && { mediaType }),
  ...(platforms !== undefined && { platforms: [...platforms] }),
});

/** The pins that stand in the tree before the run, those in files that were not asked for too. */
function standingPins({ results, tree }: GatheredFiles): ReadonlySet<string> {
  const found = [...results, ...(tree?.results ?? [])].flatMap((result) => result.found);
  return new Set(found.flatMap(({ reference }) => (isPinned(reference) ? [keyOfPin(reference)] : [])));
}

/**
 * Everything in the tree that an entry may be for, as it stands after the run: what an overlay replaces and what
 * tagproof.yaml ignores too.
 * @param digests of the places that this run changes
 */
function usesOf(
  gathered: GatheredFiles,
  digests: ReadonlyMap<Found, string>,
  names: ReadonlyMap<Found, string>,
): Use[] {
  const found = gathered.results.flatMap((result) => result.found);
  const ignored = gathered.skipped.filter(({ reason }) => reason === 'ignored').map(({ text }) => parseReference(text));
  return [
    ...found.map((item) => {
      const digest = digests.get(item);
      const reference = digest === undefined ? item.reference : withDigest(item.reference, digest);
      return { reference, place: names.get(item) as string };
    }),
    ...found.flatMap(({ written }) => (written === undefined ? [] : [{ reference: written, place: '' }])),
    ...ignored.flatMap((reference) => (reference instanceof Problem ? [] : [{ reference, place: '' }])),
  ];
}

export type Settling = {
  readonly gathered: GatheredFiles;
  readonly digests: ReadonlyMap<Found, string>;
  readonly root: string;
};

/** Removes what no place of the whole tree uses. @returns the removed keys */
export function settle(lock: Lock, { gathered, digests, root }: Settling): string[] {
  return settleLock(lock, usesOf(gathered, digests, placeNames(gathered, root)));
}

/** The keys that a run of pin over the whole tree would remove. */
export function staleKeys(lock: Lock, gathered: GatheredFiles): string[] {
  return unusedKeys(lock, usesOf(gathered, new Map(), new Map()));
}
