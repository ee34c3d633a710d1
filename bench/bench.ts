// What the benchmarks share: medians of interleaved runs, so that a noisy machine disturbs both sides alike.
import { spawnSync } from 'node:child_process';

export type Side = { readonly name: string; readonly run: () => Promise<unknown> | unknown };

/**
 * Runs the sides in turn and returns the median milliseconds of each.
 * @param clock what is measured: time that passes, unless it is given
 */
export async function compare(
  sides: readonly Side[],
  rounds: number,
  clock: () => number = () => performance.now(),
): Promise<number[]> {
  const times: number[][] = sides.map(() => []);
  for (const side of sides) await side.run(); // warm
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const started = clock();
      await side.run();
      times[i]?.push(clock() - started);
    }
  }
  return times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] as number);
}

export function print(name: string, ours: number, theirs: number, limit: string, unit = 'ms'): void {
  const ratio = (ours / theirs).toFixed(2);
  process.stdout.write(
    `${name.padEnd(58)} ${ours.toFixed(1).padStart(8)} ${unit}  ${theirs.toFixed(1).padStart(8)} ${unit}  ratio ${ratio.padStart(6)}  goal ${limit}\n`,
  );
}

/** Milliseconds of CPU that this process has used, in all its threads. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
