// The one step by which anything is written.
//
// Why it is all or nothing:
//  1. Every change is checked before any is made: the folder takes a new entry, the file is a regular one, may be
//     written, and still holds the bytes that the change was made from.
//  2. All new content is on disk, in temporary files beside the targets, before the first target changes. A full
//     disk is found here.
//  3. Every target is read once more. What is left are renames, which are atomic each: a reader sees the old bytes
//     or the new ones.
//  4. When a rename fails, the ones before it are undone from the old bytes in memory. The outcome says of each
//     file which bytes it holds.
// A process that is killed between two renames leaves some files new and some old, each of them whole. The caller
// orders its changes so that running again repairs that: the lock before the manifests that it describes.
import { asProblem, Problem } from '../problem.ts';
import type { Change, CommitOutcome, CommitStep, FileState } from './change.ts';
import { codeOf, type Disk, realDisk } from './disk.ts';
import { lockFile } from './guard.ts';
import { changedMeanwhile, contentOf, type FileTarget, findTarget } from './target.ts';
import { fillTemporary, sweepLeftovers, temporaryFor } from './temporary.ts';

/** A change that passed every check. */
type Prepared = {
  readonly change: Change;
  readonly target: FileTarget;
  readonly before: Buffer | undefined;
  readonly after: Buffer;
  readonly temporary: string;
};

/** Writes all changes, or none. It does not throw: whatever happens is in the outcome. */
export function commitFiles(changes: readonly Change[], disk: Disk = realDisk): CommitOutcome {
  const locks: (() => void)[] = [];
  const notes: string[] = [];
  let prepared: Prepared[] = [];
  const states = new Map<Change, FileState>(changes.map((change) => [change, 'unchanged']));
  const outcome = (problems: readonly Problem[]): CommitOutcome => ({
    files: [...states].map(([{ file }, state]) => ({ file, state })),
    steps: [],
    problems,
    notes,
  });
  try {
    const checked = checkAll(disk, changes, locks, notes);
    if (checked.problems.length > 0) return outcome(checked.problems);
    prepared = checked.prepared;
    for (const folder of new Set(prepared.map(({ target }) => target.folder)))
      notes.push(...sweep(disk, folder).map((name) => `removed ${name}, left by a tagproof that was killed`));
    const problem = stageAll(disk, prepared, notes) ?? checkUnchanged(disk, prepared);
    return outcome(problem === undefined ? publishAll(disk, prepared, states) : [problem]);
  } finally {
    for (const { temporary } of prepared) attempt(() => disk.remove(temporary));
    for (const release of locks) attempt(release);
  }
}

/** Writes all changes, then takes the steps that come after. A step that fails does not undo the files: it is named. */
export async function commit(
  changes: readonly Change[],
  steps: readonly CommitStep[],
  disk: Disk = realDisk,
): Promise<CommitOutcome> {
  const written = commitFiles(changes, disk);
  const problems = [...written.problems];
  const states: CommitOutcome['steps'][number][] = [];
  for (const { name, run, independent } of steps) {
    if (problems.length > written.problems.length ? !independent : problems.length > 0) {
      states.push({ name, state: 'not tried' });
      continue;
    }
    try {
      await run();
      states.push({ name, state: 'done' });
    } catch (error) {
      const { code, message, where } = asProblem(error, 'file');
      problems.push(new Problem(code, `${name}: ${message}`, where, error));
      states.push({ name, state: 'failed' });
    }
  }
  return { ...written, steps: states, problems };
}

function checkAll(
  disk: Disk,
  changes: readonly Change[],
  locks: (() => void)[],
  notes: string[],
): { prepared: Prepared[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const prepared: Prepared[] = [];
  const paths = new Map<string, string>();
  for (const change of changes) {
    const { file } = change;
    try {
      let target = findTarget(disk, change);
      const other = paths.get(target.path);
      if (other !== undefined) throw new Problem('conflict', `it is the same file as ${other}`, { file });
      paths.set(target.path, file);
      if (change.kind === 'merge') {
        if (change.makeFolder === true) disk.makeFolder(target.folder);
        const release = lockFile(target.path, file);
        if (release !== undefined) locks.push(release);
        else notes.push(`${file}: this file system has no locks; when several tagproof write it at once, run again`);
        target = findTarget(disk, change); // another process may have created it while this one waited
      }
      const content = contentOf(disk, change, target);
      if (content === undefined) continue;
      prepared.push({ change, target, ...content, temporary: temporaryFor(target.path) });
    } catch (error) {
      problems.push(asProblem(error, 'file', { file }));
    }
  }
  return { prepared, problems };
}

function sweep(disk: Disk, folder: string): string[] {
  try {
    return sweepLeftovers(disk, folder);
  } catch {
    return []; // a folder that takes new entries and cannot be listed: nothing depends on the leftovers
  }
}

/** @returns the problem that stopped it; then no target has changed */
function stageAll(disk: Disk, prepared: readonly Prepared[], notes: string[]): Problem | undefined {
  for (const { change, target, after, temporary } of prepared) {
    try {
      if (change.makeFolder === true) disk.makeFolder(target.folder);
      const { like } = target;
      const lost = fillTemporary(disk, temporary, { bytes: after, ...(like !== undefined && { like }) });
      notes.push(...target.notes, ...lost.map((text) => `${change.file}: ${text}`));
    } catch (error) {
      return asProblem(error, 'file', { file: change.file });
    }
  }
  return undefined;
}

function checkUnchanged(disk: Disk, prepared: readonly Prepared[]): Problem | undefined {
  for (const { change, target, before } of prepared) {
    try {
      // A file that must not exist is held by link, which fails where it does.
      if (before !== undefined && !disk.read(target.path).equals(before)) return changedMeanwhile(change.file);
    } catch (error) {
      return asProblem(error, 'file', { file: change.file });
    }
  }
  return undefined;
}

function publishAll(disk: Disk, prepared: readonly Prepared[], states: Map<Change, FileState>): Problem[] {
  const done: Prepared[] = [];
  for (const item of prepared) {
    try {
      publish(disk, item);
      done.push(item);
      states.set(item.change, 'written');
    } catch (error) {
      const problems = [asProblem(error, 'file', { file: item.change.file })];
      states.set(item.change, stateOf(disk, item));
      if (states.get(item.change) === 'written') done.push(item); // it failed after the fact
      for (const earlier of done.reverse()) {
        try {
          restore(disk, earlier);
          states.set(earlier.change, 'restored');
        } catch (failed) {
          const { message } = asProblem(failed, 'file');
          problems.push(
            new Problem('file', `the old content could not be put back: ${message}`, { file: earlier.change.file }),
          );
          states.set(earlier.change, stateOf(disk, earlier));
        }
      }
      return problems;
    }
  }
  return syncFolders(disk, done);
}

function publish(disk: Disk, { target, before, temporary, change }: Prepared): void {
  if (before !== undefined) return disk.rename(temporary, target.path);
  try {
    disk.link(temporary, target.path); // unlike rename it never replaces a file that somebody else just made
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw changedMeanwhile(change.file);
    if (!NO_LINKS.has(codeOf(error) as string)) throw error;
    disk.rename(temporary, target.path); // a file system without hard links
  }
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

function restore(disk: Disk, { target, before }: Prepared): void {
  if (before === undefined) return disk.remove(target.path);
  const temporary = temporaryFor(target.path);
  try {
    fillTemporary(disk, temporary, { bytes: before, ...(target.like !== undefined && { like: target.like }) });
    disk.rename(temporary, target.path);
  } finally {
    attempt(() => disk.remove(temporary));
  }
}

/** Which bytes the file holds after a call that failed: an error does not say that nothing happened. */
function stateOf(disk: Disk, { target, before, after }: Prepared): FileState {
  try {
    const now = disk.read(target.path);
    if (now.equals(after)) return 'written';
    return before !== undefined && now.equals(before) ? 'unchanged' : 'unknown';
  } catch (error) {
    return before === undefined && codeOf(error) === 'ENOENT' ? 'unchanged' : 'unknown';
  }
}

/** A rename is durable once its folder is. Some file systems cannot sync a folder; that is no failure of ours. */
function syncFolders(disk: Disk, done: readonly Prepared[]): Problem[] {
  const problems: Problem[] = [];
  for (const [folder, [first]] of Map.groupBy(done, ({ target }) => target.folder)) {
    try {
      disk.fsyncFolder(folder);
    } catch (error) {
      if (NO_FOLDER_SYNC.has(codeOf(error) as string)) continue;
      const message = `it was written, but a power cut may still undo that: ${asProblem(error, 'file').message}`;
      problems.push(new Problem('file', message, { file: first?.change.file ?? folder }));
    }
  }
  return problems;
}

const NO_FOLDER_SYNC = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP', 'ENOSYS', 'EACCES', 'EBADF']);

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Cleaning up: the outcome is known already, and the next run sweeps what is left.
  }
}
