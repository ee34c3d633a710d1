// What git knows of a working tree: where it begins, and which files it tracks. Its top is the border of a project: no file above it
// is read for one.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** The top of the working tree that a folder is in; undefined outside of a repository. @param folder absolute */
export function repositoryTop(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    // A file in a linked working tree and in a submodule.
    if (statSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** The path of a file as seen from a folder above it, with forward slashes; both are absolute. */
export function nameFrom(top: string, path: string): string {
  const name = path.startsWith(top + sep) ? path.slice(top.length + 1) : relative(top, path);
  return sep === '/' ? name : name.replaceAll(sep, '/');
}

/** Absolute paths of files that git tracks although an ignore rule matches them; none where git cannot say. */
export function trackedDespiteIgnore(top: string): string[] {
  try {
    return gitPaths(top, ['ls-files', '-z', '--cached', '--ignored', '--exclude-standard']);
  } catch {
    return [];
  }
}

/** Runs git at the top of a repository. @returns absolute paths @throws where git is missing or declines */
export function gitPaths(top: string, args: readonly string[]): string[] {
  return runGit(top, args)
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => resolve(top, name));
}

/** A repository's own configuration must not start a program: `core.fsmonitor` would. @throws where git is missing or declines */
export const runGit = (top: string, args: readonly string[]): string =>
  execFileSync('git', ['-c', 'core.fsmonitor=false', '-C', top, ...args], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
