// Worker threads for a search that takes long: each takes the next batch of file names and answers with what it found.
import { Worker } from 'node:worker_threads';
import { Problem, type ProblemCode, type Where } from '../problem.ts';
import type { FileResult, FindOptions } from './find.ts';

/** A Problem as it crosses between threads, which drops its class. */
export type WireProblem = { code: ProblemCode; message: string; where: Where };
export type WireResult = Omit<FileResult, 'problems'> & { problems: WireProblem[] };
export type WorkerData = { cwd: string; options: FindOptions };

/** A part of the files, and where its results belong. */
export type Batch = { readonly index: number; readonly files: readonly string[] };

/**
 * Starts one worker.
 * @param take gives the next batch, or undefined when there are no more
 * @returns when the worker has ended
 */
export function startWorker(
  data: WorkerData,
  take: () => Batch | undefined,
  put: (batch: Batch, results: FileResult[]) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Run from source the worker is TypeScript, in the release it is the bundle's own file.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  const worker = new Worker(entry, { workerData: data });
  let current: Batch | undefined;
  const hand = () => {
    current = take();
    worker.postMessage(current?.files ?? null);
  };
  worker.on('online', hand);
  worker.on('message', (results: WireResult[]) => {
    put(
      current as Batch,
      results.map((result) => ({ ...result, problems: result.problems.map(revive) })),
    );
    hand();
  });
  worker.on('error', reject);
  worker.on('exit', () => resolve());
  return promise;
}

const revive = ({ code, message, where }: WireProblem) => new Problem(code, message, where);
