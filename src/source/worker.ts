// A worker thread of pool.ts: takes batches of file names, answers with what it found in them, ends
// on null.
import { parentPort, workerData } from 'node:worker_threads';
import type { WireResult, WorkerData } from './pool.ts';
import { readOne } from './read.ts';

const { cwd, options } = workerData as WorkerData;

parentPort?.on('message', async (files: string[] | null) => {
  if (files === null) return parentPort?.close();
  const results: WireResult[] = [];
  for (const file of files) {
    const result = await readOne(file, cwd, options);
    if (result === undefined) continue;
    const problems = result.problems.map(({ code, message, where }) => ({ code, message, where }));
    results.push({ ...result, problems });
  }
  parentPort?.postMessage(results);
});
