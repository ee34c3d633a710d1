// A lock on a file that several processes add to: one of them at a time reads, merges and writes it.
//
// The lock is one of the kernel's record locks, taken by way of SQLite because Node has no call for it. The kernel
// releases it when the process ends, however it ends: kill -9 leaves no lock behind, and no process id has to be
// believed. The guard is an empty file beside the target. Its holder deletes it, so a process that waited on a
// deleted guard must notice and start again: it compares the file that it opened with the one that has the name now.
import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Problem } from '../problem.ts';

/** How long to wait for another process, ms. It holds the lock for one read, one merge and the renames. */
const WAIT_MS = 30_000;

/** @returns how to release it; undefined: this file system has no locks */
export function lockFile(target: string, shown: string, waitMs = WAIT_MS): (() => void) | undefined {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite'); // loaded only by the commands that merge
  const guard = join(dirname(target), `.${basename(target).slice(0, 180)}.guard.tagproof`);
  for (;;) {
    // Held open until the end: as long as it is, no other file can get its inode number.
    const descriptor = openSync(guard, 'a', 0o600);
    const database = new DatabaseSync(guard, { timeout: waitMs });
    const failure = lock(database);
    const isCurrent = statSync(guard, { throwIfNoEntry: false })?.ino === fstatSync(descriptor).ino;
    const release = () => {
      // The database first: closing any descriptor of a file drops the locks that its process has on it.
      database.close();
      closeSync(descriptor);
    };
    if (failure === undefined && isCurrent)
      return () => {
        rmSync(guard, { force: true });
        release();
      };
    release();
    if (failure !== undefined && /locked|busy/i.test(failure.message))
      throw new Problem('file', 'another tagproof has been writing it for a long time; run again', { file: shown });
    // SQLite refuses a file that was deleted while it waited, too: only an error about the current one counts.
    if (failure !== undefined && isCurrent) return undefined;
  }
}

function lock(database: DatabaseSync): Error | undefined {
  try {
    // Without a journal SQLite writes nothing at all here.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
