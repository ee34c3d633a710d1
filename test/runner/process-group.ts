// Starts a program in a process group of its own, and ends the whole group: when its time is over,
// and when it has ended.
import { spawn } from 'node:child_process';

export type GroupResult = {
  readonly code: number | null;
  /** The limit passed, and the group was killed. */
  readonly late: boolean;
  /** Processes of the group outlived the program; they were killed. */
  readonly leftovers: boolean;
  /** Standard output and error, the last part of it. */
  readonly output: string;
  readonly ms: number;
};

const MAX_OUTPUT = 400_000;

export async function runGroup(
  program: string,
  args: readonly string[],
  { limitMs, env, cwd }: { readonly limitMs: number; readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<GroupResult> {
  const started = performance.now();
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-MAX_OUTPUT);
    });
  /** @returns whether there was anything to end */
  const endGroup = (): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, 'SIGKILL');
    } catch {
      return false; // the group has ended
    }
  };
  process.once('exit', endGroup);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup();
  }, limitMs);
  let leftovers = false;
  // Not `close`: a server that was left behind holds the pipes open.
  child.once('exit', () => {
    leftovers = endGroup();
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const code = await promise.finally(() => {
    clearTimeout(timer);
    process.off('exit', endGroup);
  });
  return { code, late, leftovers: leftovers && !late, output, ms: performance.now() - started };
}

/** SIGINT and SIGTERM end this process, and by its `exit` event every group that it started. */
export function endGroupsOnSignal(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
}
