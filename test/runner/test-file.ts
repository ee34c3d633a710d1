// Runs one test file in a process group with a limit, and reads from the reporter's lines what
// happened in it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestLine } from './events.ts';
import { runGroup } from './process-group.ts';

export type FileReport = {
  readonly file: string;
  readonly ms: number;
  readonly passed: number;
  /** Names of failed tests, with the suites that they are in. */
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** What went wrong with the file as a whole. */
  readonly problem?: string;
  /** Processes were left behind, and killed. */
  readonly leftovers: boolean;
  readonly output: string;
};

/** @param testMs limit of a test or suite that sets none; @param fileMs limit of the file */
export async function runFile(file: string, testMs: number, fileMs: number): Promise<FileReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-test-'));
  try {
    const lines = join(folder, 'events');
    const reporter = pathToFileURL(join(import.meta.dirname, 'events.ts')).href;
    const args = [
      `--test-timeout=${testMs}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${lines}`,
      file,
    ];
    // Without the variable that makes node:test report to a parent: this may run inside a test.
    const env = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined };
    const group = await runGroup(process.execPath, args, { limitMs: fileMs, env, cwd: process.cwd() });
    return readReport(file, group, readLines(lines));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readLines(path: string): TestLine[] {
  try {
    const complete = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return complete.map((line) => JSON.parse(line) as TestLine);
  } catch {
    return []; // the file could not even be loaded
  }
}

type Ended = Pick<Awaited<ReturnType<typeof runGroup>>, 'code' | 'late' | 'leftovers' | 'output' | 'ms'>;

/** What the lines and the end of the process say together. */
export function readReport(file: string, group: Ended, lines: readonly TestLine[]): FileReport {
  const path: string[] = [];
  const failed: string[] = [];
  const skipped: { name: string; reason: string }[] = [];
  let passed = 0;
  let running: string[] = [];
  for (const { event, name, nesting, kind, skip, todo, inner } of lines) {
    if (event === 'dequeue') {
      running.push(name);
      continue;
    }
    path.length = nesting;
    if (event === 'start') {
      path[nesting] = name;
      continue;
    }
    running = running.filter((other) => other !== name);
    const full = [...path, name].join(' > ');
    if (event === 'fail' && !inner && !todo) failed.push(full);
    if (skip !== undefined && skip !== false)
      skipped.push({ name: full, reason: skip === true ? 'no reason given' : String(skip) });
    else if (event === 'pass' && kind === 'test') passed++;
  }
  const problem = problemOf(group, failed.length, passed + skipped.length, running.at(-1));
  const { ms, leftovers, output } = group;
  return { file, ms, passed, failed, skipped, ...(problem !== undefined && { problem }), leftovers, output };
}

function problemOf(
  { code, late, ms }: Ended,
  failed: number,
  ended: number,
  open: string | undefined,
): string | undefined {
  const running = open === undefined ? 'after its last test' : `in: ${open}`;
  if (late) return `killed after ${Math.round(ms / 1000)} s, ${running}`;
  if (code !== 0 && failed === 0) return `its process ended with ${code ?? 'a signal'}, ${running}`;
  if (code === 0 && ended === 0) return 'it ran no test';
  return undefined;
}
