// Reads and searches many files: in this thread when they are few, in worker threads when they are many.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { asProblem } from '../problem.ts';
import { dialectOf } from './dialect.ts';
import { type FileResult, type FindOptions, findIn, HINTS } from './find.ts';
import { decode, MAX_FILE_BYTES, tooLarge } from './text.ts';

/** Below this a worker's start costs more than it saves. */
const MANY = 400;
/** Files between two words of progress. */
const STEP = 64;

/**
 * Searches files, a batch at a time per worker, one file in memory per worker.
 * @param progress called with the number of files done
 * @returns results in the order of `files`, only of files in which something was found, skipped or wrong
 */
export async function readFiles(
  files: readonly string[],
  cwd: string,
  options: FindOptions,
  progress: (done: number) => void = () => {},
): Promise<FileResult[]> {
  const workers = Math.min(availableParallelism(), 8);
  if (files.length < MANY || workers < 2) {
    const results: FileResult[] = [];
    for (const [index, file] of files.entries()) {
      const result = await readOne(file, cwd, options);
      if (result !== undefined) results.push(result);
      if (index % STEP === 0) progress(index);
    }
    return results;
  }
  const { readInWorkers } = await import('./pool.ts');
  return readInWorkers(files, cwd, options, workers, progress);
}

/** One file's result, or undefined when there is nothing to tell. */
export async function readOne(file: string, cwd: string, options: FindOptions): Promise<FileResult | undefined> {
  try {
    const { bytes, stamp } = readBounded(resolve(cwd, file), file);
    const everything = options.argsAndEnv || options.fields.length > 0 || dialectOf(file) === 'dockerfile';
    if (!everything && !HINTS.some((hint) => bytes.includes(hint))) return undefined;
    const result = await findIn(decode(bytes, file), file, options);
    if (result.found.length + result.skipped.length + result.problems.length === 0) return undefined;
    return { ...result, stamp };
  } catch (error) {
    return { file, found: [], skipped: [], problems: [asProblem(error, 'file', { file })] };
  }
}

/**
 * A whole file, if it is below the limit; a larger one is refused before it is in memory.
 * @returns also a stamp that changes when the file does: inode, size and time of change, as git's index has them
 */
export function readBounded(path: string, shown = path): { bytes: Buffer; stamp: string } {
  const descriptor = openSync(path, 'r');
  try {
    const { size, ino, mtimeNs } = fstatSync(descriptor, { bigint: true });
    const stamp = `${ino} ${size} ${mtimeNs}`;
    if (size > MAX_FILE_BYTES) throw tooLarge(Number(size), shown);
    if (size === 0n) return { bytes: readFileSync(descriptor), stamp }; // a pipe tells no size
    const buffer = Buffer.allocUnsafe(Number(size));
    let at = 0;
    for (let read = -1; at < buffer.length && read !== 0; at += read)
      read = readSync(descriptor, buffer, at, buffer.length - at, at);
    return { bytes: buffer.subarray(0, at), stamp };
  } finally {
    closeSync(descriptor);
  }
}
