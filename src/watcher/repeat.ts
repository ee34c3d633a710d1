// A task that is done again and again: each time a while after it ended, so that it never runs beside itself.
import { asProblem, type Problem } from '../problem.ts';

/** @param everyMs pause before each; @param failed hears of what went wrong: it goes on; @returns how to stop */
export function repeat(task: () => Promise<unknown>, everyMs: number, failed: (problem: Problem) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const next = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      task()
        .catch((error: unknown) => failed(asProblem(error, 'file')))
        .finally(next);
    }, everyMs).unref();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
