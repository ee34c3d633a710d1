// Paths, folders and globs → the files worth reading. Folders respect .gitignore and
// .tagproofignore.
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { asProblem, Problem } from '../problem.ts';
import { dialectOf } from './dialects.ts';

const IGNORE_FILES = ['.gitignore', '.tagproofignore'];
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.hg', '.svn']);
/** Deeper than the folders of any repository. Ends the loops that bind mounts can make. */
const MAX_DEPTH = 64;

type Rules = { base: string; matcher: Ignore };
export type FileList = { files: string[]; problems: Problem[] };

/**
 * @param paths files, folders or globs, relative to `cwd`. A file that is named is read whatever
 * its name is.
 * @param exclude patterns in .gitignore syntax, relative to `cwd`
 * @returns paths as a person gave them (relative to `cwd` when they were), in a stable order
 */
export function listFiles(paths: readonly string[], cwd: string, exclude: readonly string[]): FileList {
  const files = new Set<string>();
  const problems: Problem[] = [];
  const excluded: Rules = { base: cwd, matcher: ignore().add([...exclude]) };
  for (const path of paths) {
    try {
      for (const match of expand(path, cwd)) {
        const path = resolve(cwd, match);
        if (!statSync(path).isDirectory()) files.add(match);
        else walk({ shown: match, path, rules: [...inherited(path), excluded], depth: 0 }, files, problems);
      }
    } catch (error) {
      problems.push(asProblem(error, 'file', { file: path }));
    }
  }
  return { files: [...files], problems };
}

function expand(path: string, cwd: string): string[] {
  if (statSync(resolve(cwd, path), { throwIfNoEntry: false }) !== undefined) return [path];
  const matches = /[*?[{]/.test(path) ? globSync(path, { cwd }) : [];
  if (matches.length === 0) throw new Problem('file', 'there is no such file or folder', { file: path });
  return matches.sort();
}

type Folder = { shown: string; path: string; rules: readonly Rules[]; depth: number };

function walk({ shown, path: folder, rules, depth }: Folder, files: Set<string>, problems: Problem[]): void {
  if (depth > MAX_DEPTH) {
    problems.push(new Problem('limit', `folders nested deeper than ${MAX_DEPTH}`, { file: shown }));
    return;
  }
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    const hasRules = entries.some((entry) => IGNORE_FILES.includes(entry.name));
    const applied = hasRules ? [...rules, ...rulesOf(folder)] : rules;
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const name = shown === '.' ? entry.name : join(shown, entry.name);
      // Symbolic links are not followed: a target in this tree is read at its own path.
      if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name) && !isIgnored(`${path}${sep}`, applied))
          walk({ shown: name, path, rules: applied, depth: depth + 1 }, files, problems);
      } else if (entry.isFile() && dialectOf(name) !== undefined && !isIgnored(path, applied)) files.add(name);
    }
  } catch (error) {
    problems.push(asProblem(error, 'file', { file: shown }));
  }
}

/** The rules of a folder's ignore files. */
function rulesOf(folder: string): Rules[] {
  const rules: Rules[] = [];
  for (const name of IGNORE_FILES) {
    try {
      rules.push({ base: folder, matcher: ignore().add(readFileSync(join(folder, name), 'utf8')) });
    } catch (error) {
      if (!['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return rules;
}

/** The rules of the parent folders up to the root of the git repository, which git applies too. */
function inherited(folder: string): Rules[] {
  const above: Rules[] = [];
  for (let at = folder; ; at = dirname(at)) {
    if (at !== folder) above.unshift(...rulesOf(at));
    if (statSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return above;
    if (dirname(at) === at) return [];
  }
}

/** The deepest ignore file that has a rule for the path decides, as in git. */
function isIgnored(path: string, rules: readonly Rules[]): boolean {
  for (let i = rules.length - 1; i >= 0; i--) {
    const { base, matcher } = rules[i] as Rules;
    const name = relative(base, path).replaceAll('\\', '/');
    if (name === '' || name.startsWith('..')) continue;
    const verdict = matcher.test(path.endsWith(sep) ? `${name}/` : name);
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}
