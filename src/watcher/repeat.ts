// Repeats a task. Each pause begins when the task has ended, so that a task never runs twice at
// once.
import { asProblem, type Problem } from '../problem.ts';

/**
 * @param everyMs pause before each run
 * @param failed receives the error of a run; the repetition goes on
 * @returns a function that stops it
 */
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
