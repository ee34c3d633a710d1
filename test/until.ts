// Waits for a condition in tests, with a limit: no test waits for a time.
import { setTimeout as sleep } from 'node:timers/promises';

/** @param describe what to say if the condition never holds */
export async function until(
  condition: () => boolean | Promise<boolean>,
  describe: string | (() => string) = 'the condition never held',
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(typeof describe === 'string' ? describe : describe());
    await sleep(10);
  }
}
