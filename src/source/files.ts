// Paths, folders and globs → the files worth reading, and what is left out, with the reason.
import { globSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { wasDeleted } from '../changed.ts';
import { nameFrom, repositoryTop, trackedDespiteIgnore } from '../git.ts';
import { asProblem, Problem } from '../problem.ts';
import { dialectOf } from './dialects.ts';
import {
  type Exclusion,
  exclusionRules,
  type IgnoreRules,
  inheritedRules,
  isIgnoreFile,
  ruleAgainst,
  rulesOf,
} from './ignore-rules.ts';
import { isOwnFile } from './own-files.ts';

const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.hg', '.svn']);
/** Deeper than the folders of any repository. Ends the loops that bind mounts can make. */
const MAX_DEPTH = 64;

/** A symbolic link whose target is not read, and why. */
export type UnfollowedLink = { readonly file: string; readonly reason: string };
/**
 * A path that is not read although it might name images. `left-out`: by a rule that was said to tagproof. `unknown`: the
 * user named it, and its name is that of no dialect. `own`: a configuration or lock of tagproof. `deleted`: the user named
 * it, and git knows that it was a file: a list of changed files has such names.
 */
export type PassedOver = {
  readonly file: string;
  readonly kind: 'left-out' | 'unknown' | 'own' | 'deleted';
  readonly reason: string;
};
export type FileList = { files: string[]; problems: Problem[]; links: UnfollowedLink[]; passedOver: PassedOver[] };

export type ListOptions = {
  /** Absolute: paths are relative to it. */
  readonly cwd: string;
  /** Absolute: by its path from here a file is known for what it is, `.github/workflows/ci.yaml`; default: `cwd`. */
  readonly top?: string;
  readonly exclude?: readonly Exclusion[];
  /** Absolute paths of configurations and locks with names of their own. */
  readonly own?: ReadonlySet<string>;
};

/** What one call has found so far. */
type Walk = {
  readonly files: Set<string>;
  readonly problems: Problem[];
  readonly links: UnfollowedLink[];
  readonly passedOver: PassedOver[];
  /** Real paths of files and folders that were taken: each is read once. */
  readonly seen: Set<string>;
  /** Links inside folders, followed after everything has been read at its own path. */
  readonly pending: { readonly shown: string; readonly path: string; readonly folder: Folder }[];
  readonly excluded: readonly IgnoreRules[];
  readonly own: ReadonlySet<string>;
  readonly isNamedLikeOne: (path: string) => boolean;
};

/**
 * Folders respect .gitignore, except for files that git tracks, and .tagproofignore. A file or folder that is named is
 * read whatever .gitignore says: whoever names it wants it read.
 * @param paths files, folders or globs
 * @returns paths as a person gave them (relative to `cwd` when they were), in a stable order
 */
export function listFiles(
  paths: readonly string[],
  { cwd, top = cwd, exclude = [], own = new Set() }: ListOptions,
): FileList {
  const state: Walk = {
    files: new Set(),
    problems: [],
    links: [],
    passedOver: [],
    seen: new Set(),
    pending: [],
    excluded: exclude.map(exclusionRules),
    own,
    isNamedLikeOne: (path) => dialectOf(nameFrom(top, path)) !== undefined,
  };
  for (const path of paths) {
    try {
      for (const match of expand(path, cwd, state)) takeNamed(match, resolve(cwd, match), state);
    } catch (error) {
      state.problems.push(asProblem(error, 'file', { file: path }));
    }
  }
  for (let link = state.pending.shift(); link !== undefined; link = state.pending.shift()) follow(link, state);
  const { files, problems, links, passedOver } = state;
  return { files: [...files], problems, links, passedOver };
}

function expand(path: string, cwd: string, { passedOver }: Walk): string[] {
  if (statSync(resolve(cwd, path), { throwIfNoEntry: false }) !== undefined) return [path];
  const matches = /[*?[{]/.test(path) ? globSync(path, { cwd }) : [];
  if (matches.length === 0) {
    const top = repositoryTop(cwd);
    if (top === undefined || !wasDeleted(top, nameFrom(top, resolve(cwd, path))))
      throw new Problem('file', 'there is no such file or folder', { file: path });
    passedOver.push({ file: path, kind: 'deleted', reason: 'it was deleted, as git knows' });
  }
  return matches.sort();
}

function takeNamed(shown: string, path: string, state: Walk): void {
  const stats = statSync(path);
  const real = realpathSync(path);
  if (stats.isDirectory()) {
    const inherited = inheritedRules(path);
    const rules = ruleAgainst(path + sep, inherited)?.kind === 'git' ? inherited.filter(isOwn) : inherited;
    if (!isLeftOut({ shown, path: path + sep }, rules, state))
      walk({ shown, path, real, root: real, rules, depth: 0, tracked: trackedIn(path) }, state);
    return;
  }
  // A pipe has no name of its own: `tagproof check <(helm template .)`.
  if (stats.isFile()) {
    if (isLeftOut({ shown, path }, [...inheritedRules(dirname(path)), ...rulesOf(dirname(path))].filter(isOwn), state))
      return;
    if (!state.isNamedLikeOne(path)) {
      const reason = 'its name is that of no file with images; `tagproof check - < FILE` reads it as YAML';
      state.passedOver.push({ file: shown, kind: 'unknown', reason });
      return;
    }
  }
  state.files.add(shown);
  state.seen.add(real);
}

type Folder = {
  shown: string;
  path: string;
  /** Without links: by it a folder is known again. */
  real: string;
  /** Real path of the folder that was named: links may lead anywhere below it. */
  root: string;
  rules: readonly IgnoreRules[];
  depth: number;
  /** Files that git tracks although a .gitignore matches them, and their folders; asked for when the first path is ignored. */
  tracked: () => ReadonlySet<string>;
  /** Git ignores this folder: only what it tracks is read. */
  trackedOnly?: boolean;
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
    const hasRules = entries.some((entry) => isIgnoreFile(entry.name));
    const inside: Folder = { ...at, rules: hasRules ? [...rules, ...rulesOf(folder)] : rules };
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const name = shown === '.' ? entry.name : join(shown, entry.name);
      if (entry.isSymbolicLink()) pending.push({ shown: name, path, folder: inside });
      else if (entry.isDirectory()) {
        if (SKIPPED_FOLDERS.has(entry.name)) continue;
        const taken = takes({ shown: name, path: path + sep }, inside, state);
        if (taken !== false)
          walk(
            {
              ...inside,
              shown: name,
              path,
              real: join(real, entry.name),
              depth: depth + 1,
              trackedOnly: taken === 'tracked',
            },
            state,
          );
      } else if (entry.isFile() && state.isNamedLikeOne(path) && !seen.has(join(real, entry.name))) {
        if (takes({ shown: name, path }, inside, state) === false) continue;
        files.add(name);
        seen.add(join(real, entry.name));
      }
    }
  } catch (error) {
    problems.push(asProblem(error, 'file', { file: shown }));
  }
}

type Entry = { readonly shown: string; readonly path: string };

/** Whether a path in a folder is read. `tracked`: git ignores it, and tracks it all the same. */
function takes(entry: Entry, { rules, tracked, trackedOnly }: Folder, state: Walk): boolean | 'tracked' {
  if (!trackedOnly && ruleAgainst(entry.path, rules)?.kind !== 'git') return !isLeftOut(entry, rules, state);
  const path = entry.path.endsWith(sep) ? entry.path.slice(0, -1) : entry.path;
  return tracked().has(path) && !isLeftOut(entry, rules.filter(isOwn), state) && 'tracked';
}

const isOwn = ({ kind }: IgnoreRules) => kind === 'own';

/** What tagproof was told to leave out; it is remembered, so that no pass line forgets it. */
function isLeftOut({ shown, path }: Entry, rules: readonly IgnoreRules[], state: Walk): boolean {
  if (state.own.has(path) || isOwnFile(basename(path))) {
    state.passedOver.push({ file: shown, kind: 'own', reason: 'a file of tagproof itself' });
    return true;
  }
  const rule = state.excluded.find((item) => ruleAgainst(path, [item]) !== undefined) ?? ruleAgainst(path, rules);
  if (rule === undefined) return false;
  state.passedOver.push({ file: shown, kind: 'left-out', reason: `left out by ${rule.from}` });
  return true;
}

/** Reads what a link leads to, unless it was read at its own path or by another link. */
function follow({ shown, path, folder }: Walk['pending'][number], state: Walk): void {
  const isNamed = state.isNamedLikeOne(path);
  if (SKIPPED_FOLDERS.has(basename(path))) return;
  const stats = statSync(path, { throwIfNoEntry: false });
  const isFolder = stats?.isDirectory() === true;
  if (stats !== undefined && !isFolder && !(stats.isFile() && isNamed)) return;
  // Git matches a link as a file, also where it leads to a folder.
  if (takes({ shown, path }, folder, state) === false) return;
  if (stats === undefined) {
    state.links.push({ file: shown, reason: 'a symbolic link to something that does not exist' });
    return;
  }
  const real = realpathSync(path);
  if (state.seen.has(real)) return;
  const inside = relative(folder.root, real);
  if (inside === '..' || inside.startsWith(`..${sep}`)) {
    state.links.push({ file: shown, reason: `a symbolic link out of the tree, to ${real}` });
    return;
  }
  if (isFolder) {
    if (takes({ shown, path: path + sep }, folder, state) !== false)
      walk({ ...folder, shown, path, real, depth: folder.depth + 1 }, state);
    return;
  }
  state.seen.add(real);
  state.files.add(shown);
}

/** Asks git once, and only when something is ignored. */
function trackedIn(folder: string): () => ReadonlySet<string> {
  let known: Set<string> | undefined;
  return () => {
    if (known !== undefined) return known;
    known = new Set();
    const top = repositoryTop(folder);
    for (const file of top === undefined ? [] : trackedDespiteIgnore(top))
      for (let at = file; at !== top && !known.has(at); at = dirname(at)) known.add(at);
    return known;
  };
}
