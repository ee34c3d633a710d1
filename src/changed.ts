// What changed in a git repository since a base, and whether git knows a file that is gone.
import { existsSync } from 'node:fs';
import { gitPaths, runGit } from './git.ts';
import { Problem } from './problem.ts';

export type BranchChanges = {
  /** What they are compared with, for users: `origin/main (3f2a1bc)`. */
  readonly since: string;
  /** Absolute paths of files that were added, changed or renamed to, with those that git does not track yet. */
  readonly files: ReadonlySet<string>;
};

/**
 * Compares the working tree with the point where the branch left its base, so that what others did on the base since then
 * does not count.
 * @param base undefined: the branch that a merge request goes to, by the variables of CI, else `origin/HEAD`
 * @throws Problem `usage` where git cannot tell: a guess could find nothing changed, and pass
 */
export function branchChanges(top: string | undefined, base: string | undefined): BranchChanges {
  if (top === undefined) throw new Problem('usage', '--changed: expected a git repository');
  const wanted = base ?? defaultBase();
  if (wanted.startsWith('-')) throw new Problem('usage', `--changed '${wanted}': expected a branch or commit`);
  let from: string;
  try {
    from = runGit(top, ['merge-base', wanted, 'HEAD']).trim();
  } catch {
    const remedy =
      base === undefined ? 'name the base: --changed=main' : 'a shallow clone lacks it: fetch it with its history';
    throw new Problem('usage', `--changed: git finds no point where HEAD left '${wanted}'; ${remedy}`);
  }
  const changed = gitPaths(top, ['diff', '--name-only', '-z', '--no-renames', '--diff-filter=d', from, '--']);
  const untracked = gitPaths(top, ['ls-files', '-z', '--others', '--exclude-standard']);
  const files = [...changed, ...untracked].filter((file) => existsSync(file));
  return { since: `${wanted} (${from.slice(0, 7)})`, files: new Set(files) };
}

function defaultBase(): string {
  const { GITHUB_BASE_REF: github, CI_MERGE_REQUEST_TARGET_BRANCH_NAME: gitlab } = process.env;
  return `origin/${github || gitlab || 'HEAD'}`;
}

/** True for a path that was a file in this repository: staged or committed before, and deleted. @param name from the top */
export function wasDeleted(top: string, name: string): boolean {
  const literal = `:(literal)${name}`;
  const knows = (args: readonly string[]) => {
    try {
      return runGit(top, args).split('\0').includes(name);
    } catch {
      return false;
    }
  };
  return (
    knows(['ls-files', '-z', '--', literal]) ||
    knows(['ls-tree', '-z', '--name-only', '--full-tree', 'HEAD', '--', name]) ||
    knows(['log', '-1', '-z', '--format=', '--name-only', '--no-renames', '--diff-filter=D', '--', literal])
  );
}
