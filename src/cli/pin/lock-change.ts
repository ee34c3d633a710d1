// How a run's changes of tagproof.lock reach the file while other runs change it too.
import type { Change } from '../../commit/change.ts';
import { type Lock, type LockEntry, parseLock, printLock } from '../../lock/lock.ts';
import { mergeLocks } from '../../lock/merge.ts';
import { plural } from '../../report/plural.ts';
import type { Project } from '../shared/project.ts';

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

export const isChanged = (base: Lock, lock: Lock): boolean => printLock(base) !== printLock(lock);

/** What a run did to the lock, for its summary. @param removed keys that no place uses any more */
export function lockLine(file: string, base: Lock, lock: Lock, removed: readonly string[]): string {
  const isNew = ([key, entry]: [string, LockEntry]) =>
    base.get(key)?.digest !== entry.digest ||
    JSON.stringify(base.get(key)?.verified) !== JSON.stringify(entry.verified);
  const learned = [...lock].filter(isNew).length;
  return [
    `${file} remembers ${plural(lock.size, 'image')}`,
    ...(learned > 0 ? [`${learned} new`] : []),
    ...(removed.length > 0 ? [`${removed.length} removed that no place uses any more`] : []),
  ]
    .join(', ')
    .concat('; commit it');
}
