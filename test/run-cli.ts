// For tests of commands: runs the command line as a user does, in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';

export const MAIN = resolve('src/cli/main.ts');
export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const base = mkdtempSync(join(tmpdir(), 'tagproof-cli-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** A fresh folder with these files. */
export function makeRepository(files: Readonly<Record<string, string>>): string {
  const folder = join(base, String(count++));
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

export async function runTagproof(
  folder: string,
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: base, NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((finish) => child.on('close', finish));
  return { code, stdout, stderr };
}

export const podWith = (...images: string[]) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n${images.map((image) => `  - image: ${image}\n`).join('')}`;
