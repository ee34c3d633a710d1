// Which places `tagproof pin` resolves, and the edits that the answers make of them.
import type { Found, Resolution } from '../../flow.ts';
import { isPinned, printReference, tagKey, withoutDigest } from '../../image/reference.ts';
import { entryOf } from '../../lock/digests.ts';
import type { Lock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { type ResolveOptions, resolveAll } from '../../resolve/resolve.ts';
import { pinEdit } from '../../source/edit.ts';
import type { ProvedChange } from '../../source/prove.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import { isUnknown, type PinnedPlace } from './adopt.ts';
import type { Planned } from './rewrite.ts';

/**
 * What is to be resolved: every tag without digest; pins whose tag was edited and whose digest was not; with --update
 * also pins whose tag is known.
 */
export function isTarget(found: Found, lock: Lock, { update, edited }: Wanted): boolean {
  if (found.slot.blocked !== undefined || isHeld(found, lock)) return false;
  if (found.reference.digest === undefined || edited.has(found)) return true;
  return update && (found.reference.tag !== undefined || lock.has(tagKey(found.reference)));
}

export type Wanted = { readonly update: boolean; readonly edited: ReadonlySet<Found> };

/** A rollback chose this digest: it stays until the hold is released. */
export const isHeld = ({ reference }: Found, lock: Lock) =>
  isPinned(reference) && entryOf(lock, reference)?.hold !== undefined;

export const isBlocked = (found: Found) => found.slot.blocked !== undefined && found.reference.digest === undefined;

export const answerFor = (found: Found, answers: ReadonlyMap<string, Resolution>) =>
  answers.get(printReference(withoutDigest(found.reference)));

export function planEdits(
  gathered: GatheredFiles,
  targets: readonly Found[],
  answers: ReadonlyMap<string, Resolution>,
): { planned: Planned[]; changes: Found[] } {
  const wanted = new Set(targets);
  const changes: Found[] = [];
  const planned = gathered.results.map((result): Planned => {
    const edits: ProvedChange[] = [];
    for (const found of result.found) {
      const answer = wanted.has(found) ? answerFor(found, answers) : undefined;
      if (answer === undefined || answer instanceof Problem) continue;
      const edit = pinEdit(found, answer.digest);
      if (edit === undefined) continue;
      edits.push({ found, edit, digest: answer.digest });
      changes.push(found);
    }
    return { result, changes: edits };
  });
  return { planned, changes };
}

/**
 * Pins that the lock does not know, and that their registries are asked about. Without a lock to complete, only those
 * whose tag stands without digest elsewhere: it must not get a second digest without a word.
 */
export function placesToAsk(
  { found, stdin }: GatheredFiles,
  lock: Lock,
  {
    update,
    frozen,
    lock: file,
  }: { readonly update: boolean; readonly frozen: boolean; readonly lock?: string | false },
): PinnedPlace[] {
  if (frozen) return [];
  const unknown = found
    .filter((place) => isUnknown(place, lock))
    .filter((place) => !isTarget(place, lock, { update, edited: new Set() }));
  if (file !== false && stdin === undefined) return unknown;
  const open = new Set(found.filter(({ reference }) => !isPinned(reference)).map(({ reference }) => tagKey(reference)));
  return unknown.filter(({ reference }) => open.has(tagKey(reference)));
}

type Answering = Pick<ResolveOptions, 'client' | 'progress'>;

/** Each tag is asked for once: what is known from confirming pins of the tag is the answer for its places without digest too. */
export async function answerTargets(
  targets: readonly Found[],
  { lock, known }: { readonly lock: Lock; readonly known: ReadonlyMap<string, Resolution> },
  { update, frozen }: { readonly update: boolean; readonly frozen: boolean },
  answering: Answering,
): Promise<ReadonlyMap<string, Resolution>> {
  const answered = new Map<string, Resolution>();
  const open = targets.filter((found) => {
    const answer = answerFor(found, known);
    const locked = update ? undefined : lock.get(tagKey(found.reference));
    const isSame = answer !== undefined && !(answer instanceof Problem) && answer.digest === locked?.digest;
    if (answer === undefined || (locked !== undefined && !isSame)) return true;
    answered.set(printReference(withoutDigest(found.reference)), answer);
    return false;
  });
  const references = open.map(({ reference }) => withoutDigest(reference));
  const rest = await resolveAll(references, { ...answering, ...(!update && { lock }), frozen });
  return new Map([...answered, ...rest]);
}

/** The digest that each of these places has after the run. */
export function digestsOf(places: readonly Found[], answers: ReadonlyMap<string, Resolution>): Map<Found, string> {
  return new Map(
    places.flatMap((found) => {
      const answer = answerFor(found, answers);
      return answer === undefined || answer instanceof Problem ? [] : [[found, answer.digest] as const];
    }),
  );
}
