// Which places `tagproof pin` resolves, and the edits that the answers make of them.
import type { Found, Resolution } from '../../flow.ts';
import { isPinned, printReference, tagKey, withoutDigest } from '../../image/reference.ts';
import { entryOf, tagsOfDigest } from '../../lock/digests.ts';
import type { Lock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { pinEdit } from '../../source/edit.ts';
import type { ProvedChange } from '../../source/prove.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import type { Planned } from './rewrite.ts';

/** What is to be resolved: every tag without digest; with --update also pins whose tag is known. */
export function isTarget(found: Found, update: boolean, lock: Lock): boolean {
  if (found.slot.blocked !== undefined) return false;
  if (isHeld(found, lock)) return false;
  if (found.reference.digest === undefined || tagsOfDigest(lock, found.reference).length > 0) return true;
  return update && (found.reference.tag !== undefined || lock.has(tagKey(found.reference)));
}

/** A rollback chose this digest: it stays until the hold is released. */
export const isHeld = ({ reference }: Found, lock: Lock) =>
  isPinned(reference) && entryOf(lock, reference)?.hold !== undefined;

export const isBlocked = (found: Found) => found.slot.blocked !== undefined && found.reference.digest === undefined;

export const answerFor = (found: Found, answers: ReadonlyMap<string, Resolution>) =>
  answers.get(printReference(withoutDigest(found.reference)));

/** The registry says that the tag has the very digest that is written beside it. */
export function isConfirmed(found: Found, answers: ReadonlyMap<string, Resolution>): boolean {
  const answer = answerFor(found, answers);
  return answer !== undefined && !(answer instanceof Problem) && answer.digest === found.reference.digest;
}

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
