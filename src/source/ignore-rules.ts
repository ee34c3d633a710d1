// Which paths are left out, and by which rule: .gitignore and .tagproofignore of each folder, and patterns of the configuration
// and the command line.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { repositoryTop } from '../git.ts';

/** Patterns in .gitignore syntax. `from` is their origin as users know it: `find.exclude`. */
export type Exclusion = { readonly folder: string; readonly patterns: readonly string[]; readonly from: string };

/** `git`: from a .gitignore, which says what is generated. `own`: said to tagproof. */
export type IgnoreRules = {
  readonly folder: string;
  readonly matcher: Ignore;
  readonly from: string;
  readonly kind: 'git' | 'own';
};

const IGNORE_FILES = { '.gitignore': 'git', '.tagproofignore': 'own' } as const;

export const isIgnoreFile = (name: string): boolean => Object.hasOwn(IGNORE_FILES, name);

export const exclusionRules = ({ folder, patterns, from }: Exclusion): IgnoreRules => ({
  folder,
  matcher: ignore().add([...patterns]),
  from,
  kind: 'own',
});

/** The rules of a folder's ignore files. */
export function rulesOf(folder: string): IgnoreRules[] {
  const rules: IgnoreRules[] = [];
  for (const [name, kind] of Object.entries(IGNORE_FILES)) {
    try {
      const matcher = ignore().add(readFileSync(join(folder, name), 'utf8'));
      rules.push({ folder, matcher, from: name, kind });
    } catch (error) {
      if (!['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return rules;
}

/** The rules of the folders above, up to the top of the git repository, which git applies too. */
export function inheritedRules(folder: string): IgnoreRules[] {
  const top = repositoryTop(folder);
  if (top === undefined) return [];
  const above: IgnoreRules[] = [];
  for (let at = folder; at !== top; ) {
    at = dirname(at);
    above.unshift(...rulesOf(at));
  }
  return above;
}

/**
 * The rule that leaves a path out. The deepest ignore file that has a rule for the path decides, as in git.
 * @param path absolute; a folder ends with a separator
 */
export function ruleAgainst(path: string, rules: readonly IgnoreRules[]): IgnoreRules | undefined {
  for (let i = rules.length - 1; i >= 0; i--) {
    const rule = rules[i] as IgnoreRules;
    const name = relative(rule.folder, path).replaceAll('\\', '/');
    if (name === '' || name === '..' || name.startsWith('../')) continue;
    const verdict = rule.matcher.test(path.endsWith(sep) ? `${name}/` : name);
    if (verdict.ignored) return rule;
    if (verdict.unignored) return undefined;
  }
  return undefined;
}
