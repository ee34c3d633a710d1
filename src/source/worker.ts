// A worker thread of read.ts: gets batches of file names, answers with what was found in them, ends on null.
import { parentPort, workerData } from 'node:worker_threads';
import { readOne, type WireResult, type WorkerData } from './read.ts';

const { cwd, options } = workerData as WorkerData;

parentPort?.on('message', (files: string[] | null) => {
  if (files === null) return parentPort?.close();
  const results: WireResult[] = [];
  for (const file of files) {
    const result = readOne(file, cwd, options);
    if (result === undefined) continue;
    const problems = result.problems.map(({ code, message, where }) => ({ code, message, where }));
    results.push({ ...result, problems });
  }
  parentPort?.postMessage(results);
});
