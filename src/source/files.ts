// Paths, folders and globs → the files worth reading. Folders respect .gitignore and
// .tagproofignore.
import { globSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { asProblem, Problem } from '../problem.ts';
import { dialectOf } from './dialects.ts';

const IGNORE_FILES = ['.gitignore', '.tagproofignore'];
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.hg', '.svn']);
/** Deeper than the folders of any repository. Ends the loops that bind mounts can make. */
const MAX_DEPTH = 64;

type Rules = { base: string; matcher: Ignore };
/** A symbolic link whose target is not read, and why. */
export type UnfollowedLink = { readonly file: string; readonly reason: string };
export type FileList = { files: string[]; problems: Problem[]; links: UnfollowedLink[] };
/** What one call has found so far. */
type Walk = {
  readonly files: Set<string>;
  readonly problems: Problem[];
  readonly links: UnfollowedLink[];
  /** Real paths of files and folders that were taken: each is read once. */
  readonly seen: Set<string>;
  /** Links inside folders, followed after everything has been read at its own path. */
  readonly pending: { readonly shown: string; readonly path: string; readonly folder: Folder }[];
};

/**
 * @param paths files, folders or globs, relative to `cwd`. A file that is named is read whatever
 * its name is.
 * @param exclude patterns in .gitignore syntax, relative to `cwd`
 * @returns paths as a person gave them (relative to `cwd` when they were), in a stable order
 */
export function listFiles(paths: readonly string[], cwd: string, exclude: readonly string[]): FileList {
  const state: Walk = { files: new Set(), problems: [], links: [], seen: new Set(), pending: [] };
  const { files, problems, links, pending } = state;
  const excluded: Rules = { base: cwd, matcher: ignore().add([...exclude]) };
  for (const path of paths) {
    try {
      for (const match of expand(path, cwd)) {
        const path = resolve(cwd, match);
        if (!statSync(path).isDirectory()) {
          files.add(match);
          state.seen.add(realpathSync(path));
        } else {
          const real = realpathSync(path);
          walk({ shown: match, path, real, root: real, rules: [...inherited(path), excluded], depth: 0 }, state);
        }
      }
    } catch (error) {
      problems.push(asProblem(error, 'file', { file: path }));
    }
  }
  for (let link = pending.shift(); link !== undefined; link = pending.shift()) follow(link, state);
  return { files: [...files], problems, links };
}

function expand(path: string, cwd: string): string[] {
  if (statSync(resolve(cwd, path), { throwIfNoEntry: false }) !== undefined) return [path];
  const matches = /[*?[{]/.test(path) ? globSync(path, { cwd }) : [];
  if (matches.length === 0) throw new Problem('file', 'there is no such file or folder', { file: path });
  return matches.sort();
}

type Folder = {
  shown: string;
  path: string;
  /** Without links: by it a folder is known again. */
  real: string;
  /** Real path of the folder that was named: links may lead anywhere below it. */
  root: string;
  rules: readonly Rules[];
  depth: number;
};

function walk(at: Folder, state: Walk): void {
  const { shown, path: folder, rules, depth, real } = at;
  const { files, problems, seen, pending } = state;
  if (seen.has(real)) return;
  seen.add(real);
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
      if (entry.isSymbolicLink()) pending.push({ shown: name, path, folder: { ...at, rules: applied } });
      else if (entry.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(entry.name) && !isIgnored(`${path}${sep}`, applied))
          walk({ ...at, shown: name, path, real: join(real, entry.name), rules: applied, depth: depth + 1 }, state);
      } else if (entry.isFile() && dialectOf(name) !== undefined && !isIgnored(path, applied)) {
        if (seen.has(join(real, entry.name))) continue;
        files.add(name);
        seen.add(join(real, entry.name));
      }
    }
  } catch (error) {
    problems.push(asProblem(error, 'file', { file: shown }));
  }
}

/** Reads what a link leads to, unless it was read at its own path or by another link. */
function follow({ shown, path, folder }: Walk['pending'][number], state: Walk): void {
  if (isIgnored(path, folder.rules) || SKIPPED_FOLDERS.has(basename(path))) return;
  const stats = statSync(path, { throwIfNoEntry: false });
  const isNamed = dialectOf(shown) !== undefined;
  if (stats === undefined) {
    state.links.push({ file: shown, reason: 'a symbolic link to something that does not exist' });
    return;
  }
  if (!stats.isDirectory() && !(stats.isFile() && isNamed)) return;
  const real = realpathSync(path);
  if (state.seen.has(real)) return;
  const inside = relative(folder.root, real);
  if (inside === '..' || inside.startsWith(`..${sep}`)) {
    state.links.push({ file: shown, reason: `a symbolic link out of the tree, to ${real}` });
    return;
  }
  if (stats.isDirectory()) {
    if (!isIgnored(`${path}${sep}`, folder.rules))
      walk({ ...folder, shown, path, real, depth: folder.depth + 1 }, state);
    return;
  }
  state.seen.add(real);
  state.files.add(shown);
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
