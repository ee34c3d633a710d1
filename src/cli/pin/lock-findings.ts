// Where lock and tree say different things, as findings: for check, and for pin where it could not make them agree.
import type { Found } from '../../flow.ts';
import { shortDigest } from '../../image/digest.ts';
import { isPinned, tagKey, withDigest } from '../../image/reference.ts';
import { entryOf, tagsOfDigest } from '../../lock/digests.ts';
import type { Lock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Finding } from '../../report/report.ts';
import { findingAt } from '../shared/finding.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import type { Confirmation, PinnedPlace, Unconfirmed } from './adopt.ts';

/** What makes lock and tree agree again. */
export const REMEDY = 'run tagproof pin, which asks the registry';

/**
 * A pin that the lock does not have. Another digest under its tag, or its digest under another tag, is an error; a tag
 * that the lock has never seen is a note, because nothing speaks against it.
 * @param remedy what makes lock and tree agree again
 */
export function disagreement(found: Found, lock: Lock, remedy: string): Finding[] {
  const { reference } = found;
  if (!isPinned(reference) || reference.tag === undefined || lock.size === 0 || entryOf(lock, reference) !== undefined)
    return [];
  const { tag, digest } = reference;
  const here = shortDigest(digest);
  const entry = lock.get(tagKey(reference));
  const others = tagsOfDigest(lock, reference);
  if (others.length > 0) {
    const own = entry === undefined ? '' : `, which is ${shortDigest(entry.digest)}`;
    const message = `tagproof.lock knows ${here} as ${others.join(', ')}, not as ${tag}${own}: the tag was edited and the digest was not; ${remedy}`;
    return [findingAt(found, 'tag-digest-disagree', 'error', message)];
  }
  if (entry === undefined)
    return [
      findingAt(found, 'lock-behind', 'note', `tagproof.lock does not know ${tag}, which is ${here} here: ${remedy}`),
    ];
  const since = entry.firstSeen.slice(0, 10);
  const message = `tagproof.lock has ${shortDigest(entry.digest)} for ${tag} since ${since}, here it is ${here}: an update that the lock has not seen, or an edit; ${remedy}`;
  return [findingAt(found, 'tag-digest-disagree', 'error', message)];
}

/** An update by hand, by Renovate or by Dependabot, which the registry confirms. */
export function confirmedUpdate(found: PinnedPlace, lock: Lock): Finding {
  const { tag, digest } = found.reference;
  const before = lock.get(tagKey(found.reference));
  const from = before === undefined ? '' : ` of ${shortDigest(before.digest)}`;
  const message = `an update${from} that the registry confirms: ${tag} is ${shortDigest(digest)}; tagproof.lock has not seen it, ${REMEDY}`;
  return findingAt(found, 'lock-behind', 'note', message);
}

const TAKE = 'tagproof pin --update takes what the tag is now, tagproof pin --adopt keeps what stands here';

/** A digest that nobody confirms: an error where the lock or another place has another digest for the tag. */
export function unconfirmedFinding(
  { pin, places, now }: Unconfirmed,
  lock: Lock,
  isContested: boolean,
): Finding | Problem {
  const [first] = places;
  const here = shortDigest(pin.digest);
  const entry = lock.get(tagKey(pin));
  const contested = isContested || entry !== undefined;
  const more = places.length > 1 ? ` (and ${plural(places.length - 1, 'more place')})` : '';
  const { file, line, column } = first;
  if (now instanceof Problem && contested)
    return new Problem(now.code, now.message + more, { ...now.where, file, line, column }, now.cause);
  const why =
    now instanceof Problem
      ? now.message
      : `${pin.tag} is ${shortDigest(now.digest)} now, and nobody here knows whether it ever was ${here}`;
  const had = entry === undefined ? '' : ` (tagproof.lock has ${shortDigest(entry.digest)})`;
  const message = `${here} was not taken into tagproof.lock: ${why}${had}; ${TAKE}${more}`;
  return contested
    ? findingAt(first, 'tag-digest-disagree', 'error', message)
    : findingAt(first, 'lock-behind', 'note', message);
}

/**
 * One tag that has several digests in the tree: two environments may mean it, so it is said and no more.
 * @param found with the digests that they have after the run
 */
export function twoDigests(found: readonly Found[]): Finding[] {
  const pinned = found.filter(({ reference }) => reference.tag !== undefined && isPinned(reference));
  const tags = Map.groupBy(pinned, ({ reference }) => tagKey(reference));
  return [...tags].flatMap(([key, places]) => {
    const digests = Map.groupBy(places, ({ reference }) => reference.digest as string);
    if (digests.size < 2) return [];
    const each = [...digests].map(([digest, [first, ...more]]) => {
      const { file, line } = first as Found;
      return `${shortDigest(digest)} in ${file}:${line}${more.length > 0 ? ` and ${plural(more.length, 'more place')}` : ''}`;
    });
    const message = `two digests for one tag: ${each.join(', ')}; if that is not meant, ${TAKE.split(',', 1)[0]}`;
    const [first] = places as [Found, ...Found[]];
    return [{ ...findingAt(first, 'two-digests', 'note', message), image: key }];
  });
}

/** Entries that nothing in the whole tree uses. @param file the lock */
export function staleFindings(keys: readonly string[], file: string): Finding[] {
  return keys.map((image) => ({
    rule: 'lock-stale',
    level: 'note',
    message: 'no place in this tree uses this entry any more; tagproof pin removes it',
    file,
    image,
  }));
}

type Compared = {
  readonly gathered: GatheredFiles;
  readonly lock: Lock;
  readonly confirmed: Confirmation;
  /** What the places get that this run pins. */
  readonly digests: ReadonlyMap<Found, string>;
  readonly frozen: boolean;
};

/** What pin says where the lock and the tree do not agree after it, and where one tag has two digests. */
export function saidOfLock({ gathered, lock, confirmed, digests, frozen }: Compared): {
  findings: Finding[];
  problems: Problem[];
} {
  const after = gathered.found.map((found) => {
    const digest = digests.get(found);
    return digest === undefined ? found : { ...found, reference: withDigest(found.reference, digest) };
  });
  const two = twoDigests(after);
  const contested = new Set(two.map(({ image }) => image));
  const said = confirmed.unconfirmed.map((item) => unconfirmedFinding(item, lock, contested.has(tagKey(item.pin))));
  // An edited tag that cannot be written where it stands, and all that --frozen may not ask about.
  const left = gathered.found.filter((found) => frozen || (confirmed.edited.has(found) && !digests.has(found)));
  const remedy = frozen
    ? 'run tagproof pin without --frozen, which asks the registry'
    : 'write the digest of the tag by hand';
  return {
    findings: [
      ...said.filter((item): item is Finding => !(item instanceof Problem)),
      ...left.flatMap((found) => disagreement(found, lock, remedy)),
      ...two,
    ],
    problems: said.filter((item) => item instanceof Problem),
  };
}
