// Worker threads for a long search: each takes the next batch of file names and answers with what
// it found.
import { Worker } from 'node:worker_threads';
import { Problem, type ProblemCode, type Where } from '../problem.ts';
import type { FileResult, FindOptions } from './find.ts';

/** A Problem in a message between threads: structured clone drops the class. */
export type WireProblem = { code: ProblemCode; message: string; where: Where };
export type WireResult = Omit<FileResult, 'problems'> & { problems: WireProblem[] };
export type WorkerData = { cwd: string; options: FindOptions };

/** A part of the files, and the index of its results. */
export type Batch = { readonly index: number; readonly files: readonly string[] };

/**
 * Starts one worker.
 * @param take gives the next batch, or undefined when there are no more
 * @returns a promise that is fulfilled when the worker has ended
 */
export function startWorker(
  data: WorkerData,
  take: () => Batch | undefined,
  put: (batch: Batch, results: FileResult[]) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // The worker is TypeScript when tagproof runs from source, and a file of the bundle in a release.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  const worker = new Worker(entry, { workerData: data });
  let current: Batch | undefined;
  const sendNext = () => {
    current = take();
    worker.postMessage(current?.files ?? null);
  };
  worker.on('online', sendNext);
  worker.on('message', (results: WireResult[]) => {
    put(
      current as Batch,
      results.map((result) => ({ ...result, problems: result.problems.map(revive) })),
    );
    sendNext();
  });
  worker.on('error', reject);
  worker.on('exit', () => resolve());
  return promise;
}

const revive = ({ code, message, where }: WireProblem) => new Problem(code, message, where);
