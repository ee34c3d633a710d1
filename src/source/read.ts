// Reads and searches many files: in this thread when they are few, in worker threads when they are many.
import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { asProblem, Problem, type ProblemCode, type Where } from '../problem.ts';
import { dialectOf } from './dialect.ts';
import { type FileResult, type FindOptions, findIn, HINTS } from './find.ts';
import { decode, MAX_FILE_BYTES, tooLarge } from './text.ts';

/** Below this a worker's start costs more than it saves. */
const MANY = 400;
const BATCH = 64;

export type WireProblem = { code: ProblemCode; message: string; where: Where };
export type WireResult = Omit<FileResult, 'problems'> & { problems: WireProblem[] };
export type WorkerData = { cwd: string; options: FindOptions };

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
      const result = readOne(file, cwd, options);
      if (result !== undefined) results.push(result);
      if (index % BATCH === 0) progress(index);
    }
    return results;
  }
  return readInWorkers(files, cwd, options, workers, progress);
}

/** One file's result, or undefined when there is nothing to tell. */
export function readOne(file: string, cwd: string, options: FindOptions): FileResult | undefined {
  try {
    const bytes = readBounded(resolve(cwd, file), file);
    const everything = options.argsAndEnv || options.fields.length > 0 || dialectOf(file) === 'dockerfile';
    if (!everything && !HINTS.some((hint) => bytes.includes(hint))) return undefined;
    const result = findIn(decode(bytes, file), file, options);
    if (result.found.length + result.skipped.length + result.problems.length === 0) return undefined;
    return result.found.length === 0 ? result : { ...result, hash: hash('sha256', bytes) };
  } catch (error) {
    return { file, found: [], skipped: [], problems: [asProblem(error, 'file', { file })] };
  }
}

/** Whole files only below the limit: a larger one is refused before it is in memory. */
export function readBounded(path: string, shown = path): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_FILE_BYTES) throw tooLarge(size, shown);
    if (size === 0) return readFileSync(descriptor); // a pipe tells no size
    const buffer = Buffer.allocUnsafe(size);
    let at = 0;
    for (let read = -1; at < size && read !== 0; at += read) read = readSync(descriptor, buffer, at, size - at, at);
    return buffer.subarray(0, at);
  } finally {
    closeSync(descriptor);
  }
}

async function readInWorkers(
  files: readonly string[],
  cwd: string,
  options: FindOptions,
  count: number,
  progress: (done: number) => void,
): Promise<FileResult[]> {
  const results: FileResult[][] = [];
  // Run from source the worker is TypeScript, in the release it is the bundle's own file.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  let next = 0;
  let done = 0;

  function serve(): Promise<void> {
    const { promise, resolve: finish, reject } = Promise.withResolvers<void>();
    const worker = new Worker(entry, { workerData: { cwd, options } satisfies WorkerData });
    let current = -1;
    const hand = () => {
      if (next >= files.length) return worker.postMessage(null);
      current = next;
      worker.postMessage(files.slice(next, (next += BATCH)));
    };
    worker.on('message', (batch: WireResult[]) => {
      results[current / BATCH] = batch.map((result) => ({ ...result, problems: result.problems.map(revive) }));
      progress((done += BATCH));
      hand();
    });
    worker.on('error', reject);
    worker.on('exit', () => finish());
    hand();
    return promise;
  }

  await Promise.all(Array.from({ length: count }, serve));
  return results.flat();
}

const revive = ({ code, message, where }: WireProblem) => new Problem(code, message, where);
