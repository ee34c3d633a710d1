// What a run adds to tagproof.lock, and how that reaches the file while other runs add to it too.
import type { Change } from '../../commit/change.ts';
import type { Found, Resolution } from '../../flow.ts';
import { printReference, tagKey, withoutDigest } from '../../image/reference.ts';
import { type Lock, parseLock, printLock } from '../../lock/lock.ts';
import { mergeLocks } from '../../lock/merge.ts';
import { Problem } from '../../problem.ts';
import type { Project } from '../shared/project.ts';
import type { Verified } from './pin-verify.ts';

/** Takes new answers and new evidence into the lock; the first sight of a digest is kept. @returns how many are new */
export function remember(
  lock: Lock,
  targets: readonly Found[],
  answers: ReadonlyMap<string, Resolution>,
  evidence: Verified['evidence'] = new Map(),
): number {
  let learned = 0;
  for (const found of targets) {
    const name = printReference(withoutDigest(found.reference));
    const answer = answers.get(name);
    if (answer === undefined || answer instanceof Problem) continue;
    const key = tagKey(found.reference);
    const before = lock.get(key);
    const same = before?.digest === answer.digest ? before : undefined;
    const verified = evidence.get(name) ?? same?.verified;
    if (same !== undefined && JSON.stringify(verified) === JSON.stringify(same.verified)) continue;
    const { digest, mediaType, platforms, at, mirror } = answer;
    const fresh = {
      digest,
      mediaType,
      platforms: platforms && [...platforms],
      firstSeen: at,
      source: mirror ?? answer.from,
    };
    lock.set(key, { ...(same ?? fresh), ...(verified !== undefined && { verified }) });
    learned++;
  }
  return learned;
}

/**
 * Images that are pinned already and that the lock does not know: a run that was cut short wrote them, or another
 * tool did. `pin` may learn them, where the registry says that the tag still has this digest.
 */
export const isUnrecorded = ({ reference }: Found, lock: Lock): boolean =>
  reference.digest !== undefined && reference.tag !== undefined && !lock.has(tagKey(reference));

/** @param base the lock as it was read; @param lock the same with the changes of this run */
export function lockChange({ lock: file, top }: Project, base: Lock, lock: Lock): Change {
  return {
    kind: 'merge',
    file,
    root: top,
    merge: (now) => {
      const current: Lock = now === undefined ? new Map() : parseLock(now.toString('utf8'), file);
      return printLock(mergeLocks(base, lock, current, file));
    },
  };
}
