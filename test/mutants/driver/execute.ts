// Runs test files in a process group of their own, with a mutant or without one, and ends the group when its time is over.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './lists.ts';

export type Outcome =
  | { readonly kind: 'passed'; readonly ms: number }
  /** @property by the first test that failed */
  | { readonly kind: 'failed'; readonly ms: number; readonly by: string; readonly output: string }
  | { readonly kind: 'timeout'; readonly ms: number };

export type ServedText = { readonly file: string; readonly text: string };

/** One test file in one process group. @param served the file whose text is replaced */
export async function runTestFile(test: string, limitMs: number, served?: ServedText): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-mutant-'));
  try {
    return await spawnTest(test, limitMs, folder, served);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function spawnTest(test: string, limitMs: number, folder: string, served?: ServedText): Promise<Outcome> {
  const description = join(folder, 'mutant.json');
  if (served !== undefined)
    writeFileSync(description, JSON.stringify({ url: pathToFileURL(join(ROOT, served.file)).href, text: served.text }));
  const hook = pathToFileURL(join(import.meta.dirname, 'hook.ts')).href;
  const env = {
    ...process.env,
    NO_COLOR: '1',
    NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${hook}`.trim(),
    ...(served !== undefined && { TAGPROOF_MUTANT: description }),
  };
  const started = performance.now();
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', `--test-timeout=${limitMs}`, test], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-200_000)));
  let late = false;
  const endGroup = () => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // the group has ended
    }
  };
  const timer = setTimeout(() => {
    late = true;
    endGroup();
  }, limitMs);
  process.once('exit', endGroup);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const code = await promise.finally(() => {
    clearTimeout(timer);
    process.off('exit', endGroup);
    // Servers that a test left behind belong to its group.
    endGroup();
  });
  const ms = performance.now() - started;
  if (late) return { kind: 'timeout', ms };
  if (code === 0) return { kind: 'passed', ms };
  return { kind: 'failed', ms, by: firstFailure(output) ?? 'the test process', output };
}

/** The name of the first test that TAP reports as failed; the deepest of its line of parents comes first. */
export function firstFailure(tap: string): string | undefined {
  const name = /^\s*not ok \d+ - (.*?)(?: # .*)?$/m.exec(tap)?.[1];
  return name?.replaceAll(/\\(.)/g, '$1');
}
