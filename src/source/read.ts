// Reads and searches many files; worker threads help when that takes long.
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
import { decode, isWide, MAX_FILE_BYTES, tooLarge } from './text.ts';

/** Files a worker gets at a time. */
const BATCH = 64;
/** A shorter search needs no workers: to start one costs about as many milliseconds. */
const HELP_AFTER_MS = 500;
const MAX_WORKERS = 8;
const HINT_BYTES = HINT_WORDS.map((word) => Buffer.from(word));

type ReadSettings = { progress?: (done: number) => void; helpAfterMs?: number };

/**
 * Searches files; each thread has one file in memory at a time. This thread starts alone. Workers
 * join when it takes long.
 * @param progress is called with the number of files done
 * @returns results in the order of `files`, without the files in which nothing was found, skipped
 * or wrong
 */
export async function readFiles(
  files: readonly string[],
  cwd: string,
  options: FindOptions,
  { progress = () => {}, helpAfterMs = HELP_AFTER_MS }: ReadSettings = {},
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
    if (helpers !== undefined) await setImmediate(); // the event loop takes in their answers
  }
  await Promise.all(helpers ?? []);
  return results.flat();
}

/** The result of one file, or undefined when nothing was found, skipped or wrong. */
export async function readOne(file: string, cwd: string, options: FindOptions): Promise<FileResult | undefined> {
  try {
    const dialect = dialectOf(file);
    const { bytes, stamp } = readBounded(resolve(cwd, file), file, SCRATCH);
    const everything =
      options.argsAndEnv || options.fields.length > 0 || (dialect && DIALECTS[dialect].unit === 'file');
    if (!everything && !isWide(bytes) && !HINT_BYTES.some((hint) => bytes.includes(hint))) {
      // A key may spell such a word with escapes, but only in text.
      if (!bytes.includes('\\') || !isUtf8(bytes)) return undefined;
    }
    const result = await findIn(decode(bytes, file), file, options, dialect);
    const { found, skipped, problems, overlays = [] } = result;
    if (found.length + skipped.length + problems.length + overlays.length === 0) return undefined;
    return { ...result, stamp, ...(dialect !== undefined && { named: dialect }) };
  } catch (error) {
    return { file, found: [], skipped: [], problems: [asProblem(error, 'file', { file })] };
  }
}

/**
 * Memory for files that are decoded at once: thousands of short-lived buffers cost more than
 * reading does.
 */
const SCRATCH = Buffer.allocUnsafeSlow(1024 * 1024);

/**
 * Reads a whole file. A file above the limit is refused before it is in memory.
 * @param scratch memory for the file, if it fits: the bytes are then valid until the next file is
 * read
 * @returns also a stamp that changes when the file does: inode, size and modification time, as in
 * git's index
 */
export function readBounded(path: string, shown = path, scratch?: Buffer): { bytes: Buffer; stamp: string } {
  const descriptor = openSync(path, 'r');
  try {
    const { size, ino, mtimeMs } = fstatSync(descriptor);
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (size > MAX_FILE_BYTES) throw tooLarge(size, shown);
    if (size === 0) return { bytes: readFileSync(descriptor), stamp }; // a pipe has no size
    const buffer = scratch !== undefined && size <= scratch.length ? scratch : Buffer.allocUnsafe(size);
    let at = 0;
    for (let read = -1; at < size && read !== 0; at += read) read = readSync(descriptor, buffer, at, size - at, at);
    return { bytes: buffer.subarray(0, at), stamp };
  } finally {
    closeSync(descriptor);
  }
}
