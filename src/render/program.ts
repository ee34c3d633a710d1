// Runs kustomize and helm to render a folder: without network, without other programs, within time and size.
import { type ChildProcess, execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** One render, milliseconds. */
const RENDER_MS = 60_000;
/** What one render may print, bytes. */
const MAX_OUTPUT = 64 * 1024 * 1024;

export type ProgramName = 'kustomize' | 'helm';
export type Rendered = { readonly text: string } | { readonly reason: string };

/** Programs that run: none of them outlives this process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @returns the program's path on the PATH */
export function findProgram(name: ProgramName): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

/**
 * @param home of the program, for its caches and temporary files
 * @returns what it printed, or the reason why it printed nothing
 */
export function renderWith(
  program: string,
  args: readonly string[],
  { home, signal, hidden }: { home: string; signal: AbortSignal; hidden: string },
): Promise<Rendered> {
  // Nothing is listening there: what wants the network fails at once. Without a PATH there is neither git nor helm to call.
  const nowhere = 'http://127.0.0.1:9';
  const env = {
    HOME: home,
    TMPDIR: home,
    XDG_CACHE_HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_DATA_HOME: home,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    http_proxy: nowhere,
    https_proxy: nowhere,
    GIT_ALLOW_PROTOCOL: 'none',
    PATH: '',
  };
  const options = { env, cwd: home, signal, timeout: RENDER_MS, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' as const };
  return new Promise((resolve) => {
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      running.delete(child);
      if (error === null) resolve({ text: stdout });
      else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') resolve({ reason: 'it renders more than 64 MiB' });
      else if (error.killed) resolve({ reason: `it takes longer than ${RENDER_MS / 1000} s` });
      else resolve({ reason: firstError(stderr, hidden) || error.message.split('\n', 1)[0] || 'it fails' });
    });
    running.add(child);
  });
}

/** @param hidden the temporary folder, which means nothing to users */
function firstError(stderr: string, hidden: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^(warning|# warning|walk\.go)/i.test(line));
  return (lines.find((line) => /error/i.test(line)) ?? lines[0] ?? '')
    .replaceAll(`${hidden}/`, '')
    .replaceAll(hidden, '.')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/^error: /i, '')
    .slice(0, 240);
}
