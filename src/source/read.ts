// Reads and searches many files, with the help of worker threads when it takes long.
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { asProblem } from '../problem.ts';
import { DIALECTS, dialectOf } from './dialects.ts';
import { type FileResult, type FindOptions, findIn } from './find.ts';
import type { Batch } from './pool.ts';
import { HINT_WORDS } from './prefilter.ts';
import { decode, MAX_FILE_BYTES, tooLarge } from './text.ts';

/** Files a worker gets at a time. */
const BATCH = 64;
/** A search that is over sooner needs no help: starting a worker costs about as much, in milliseconds. */
const HELP_AFTER_MS = 500;
const MAX_WORKERS = 8;
const HINT_BYTES = HINT_WORDS.map((word) => Buffer.from(word));

/**
 * Searches files, one in memory at a time per thread. This thread starts alone; when that takes long, workers join in.
 * @param progress called with the number of files done
 * @returns results in the order of `files`, only of files in which something was found, skipped or wrong
 */
export async function readFiles(
  files: readonly string[],
  cwd: string,
  options: FindOptions,
  progress: (done: number) => void = () => {},
  helpAfterMs = HELP_AFTER_MS,
): Promise<FileResult[]> {
  const results: FileResult[][] = [];
  const started = performance.now();
  let next = 0;
  let done = 0;
  const take = (): Batch | undefined => {
    if (next >= files.length) return undefined;
    const index = next / BATCH;
    next += BATCH;
    return { index, files: files.slice(next - BATCH, next) };
  };
  const put = ({ index, files }: Batch, found: FileResult[]) => {
    results[index] = found;
    done += files.length;
    progress(done);
  };
  let helpers: Promise<void>[] | undefined;
  for (let batch = take(); batch !== undefined; batch = take()) {
    const found: FileResult[] = [];
    for (const file of batch.files) {
      const result = await readOne(file, cwd, options);
      if (result !== undefined) found.push(result);
    }
    put(batch, found);
    const many = files.length - next > 2 * BATCH;
    if (helpers === undefined && many && performance.now() - started >= helpAfterMs) {
      const { startWorker } = await import('./pool.ts');
      const count = Math.min(availableParallelism(), MAX_WORKERS) - 1;
      helpers = Array.from({ length: count }, () => startWorker({ cwd, options }, take, put));
    }
    if (helpers !== undefined) await setImmediate(); // lets their answers in
  }
  await Promise.all(helpers ?? []);
  return results.flat();
}

/** One file's result, or undefined when there is nothing to tell. */
export async function readOne(file: string, cwd: string, options: FindOptions): Promise<FileResult | undefined> {
  try {
    const dialect = dialectOf(file);
    const { bytes, stamp } = readBounded(resolve(cwd, file), file, SCRATCH);
    const everything =
      options.argsAndEnv || options.fields.length > 0 || (dialect && DIALECTS[dialect].unit === 'file');
    if (!everything && !HINT_BYTES.some((hint) => bytes.includes(hint))) {
      // A key may spell such a word with escapes; but only text has keys.
      if (!bytes.includes('\\') || bytes.includes(0) || !isUtf8(bytes)) return undefined;
    }
    const result = await findIn(decode(bytes, file), file, options, dialect);
    if (result.found.length + result.skipped.length + result.problems.length === 0) return undefined;
    return { ...result, stamp };
  } catch (error) {
    return { file, found: [], skipped: [], problems: [asProblem(error, 'file', { file })] };
  }
}

/** Where files are read to that are decoded at once: thousands of short-lived buffers cost more than reading does. */
const SCRATCH = Buffer.allocUnsafeSlow(1024 * 1024);

/**
 * A whole file, if it is below the limit; a larger one is refused before it is in memory.
 * @param scratch is used when the file fits: then the bytes hold only until the next file
 * @returns also a stamp that changes when the file does: inode, size and time of change, as git's index has them
 */
export function readBounded(path: string, shown = path, scratch?: Buffer): { bytes: Buffer; stamp: string } {
  const descriptor = openSync(path, 'r');
  try {
    const { size, ino, mtimeMs } = fstatSync(descriptor);
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (size > MAX_FILE_BYTES) throw tooLarge(size, shown);
    if (size === 0) return { bytes: readFileSync(descriptor), stamp }; // a pipe tells no size
    const buffer = scratch !== undefined && size <= scratch.length ? scratch : Buffer.allocUnsafe(size);
    let at = 0;
    for (let read = -1; at < size && read !== 0; at += read) read = readSync(descriptor, buffer, at, size - at, at);
    return { bytes: buffer.subarray(0, at), stamp };
  } finally {
    closeSync(descriptor);
  }
}
