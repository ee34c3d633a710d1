// Two runs that change tagproof.lock at once: what this one changed, put on top of what the file holds now. Pure.
import { Problem } from '../problem.ts';
import { joinEntries } from './join.ts';
import type { Lock, LockEntry } from './lock.ts';

/**
 * @param base the lock as this run read it
 * @param ours the same lock with the changes of this run
 * @param now the lock as the file holds it
 * @throws Problem `changed` where both changed one image differently: this run's answer may be out of date
 */
export function mergeLocks(base: Lock, ours: Lock, now: Lock, file: string): Lock {
  const merged = new Map(now);
  for (const [key, entry] of ours) {
    const before = base.get(key);
    if (before !== undefined && isSame(before, entry)) continue;
    const current = now.get(key);
    const untouched = current === undefined ? before === undefined : before !== undefined && isSame(before, current);
    if (untouched) merged.set(key, entry);
    else merged.set(key, combine(key, entry, current, file));
  }
  // What this run took out goes, unless another run changed it meanwhile: there it is used.
  for (const [key, before] of base) {
    const current = now.get(key);
    if (!ours.has(key) && current !== undefined && isSame(before, current)) merged.delete(key);
  }
  return merged;
}

/** Both saw the same digest: the earlier sight counts, and nothing that either knows is lost. */
function combine(key: string, ours: LockEntry, current: LockEntry | undefined, file: string): LockEntry {
  if (current === undefined || current.digest !== ours.digest)
    throw new Problem('changed', `another run changed ${key} meanwhile; run again`, { file });
  return joinEntries(current, ours);
}

const isSame = (a: LockEntry, b: LockEntry) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (entry: LockEntry) => Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1));
