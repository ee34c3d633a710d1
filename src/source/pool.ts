// Many files: worker threads that each take the next batch of names and answer with what they found.
import { Worker } from 'node:worker_threads';
import { Problem, type ProblemCode, type Where } from '../problem.ts';
import type { FileResult, FindOptions } from './find.ts';

const BATCH = 64;

/** A Problem as it crosses between threads, which drops its class. */
export type WireProblem = { code: ProblemCode; message: string; where: Where };
export type WireResult = Omit<FileResult, 'problems'> & { problems: WireProblem[] };
export type WorkerData = { cwd: string; options: FindOptions };

/** As readFiles in read.ts, with this many workers. */
export async function readInWorkers(
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
      next += BATCH;
      worker.postMessage(files.slice(current, next));
    };
    worker.on('message', (batch: WireResult[]) => {
      results[current / BATCH] = batch.map((result) => ({ ...result, problems: result.problems.map(revive) }));
      done += BATCH;
      progress(done);
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
