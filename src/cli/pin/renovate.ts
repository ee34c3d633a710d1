// Renovate's custom patterns (`customManagers`, once `regexManagers`) in the configuration of this repository: pin says where a digest
// would blind one, or make it read another version. Facts: docs.renovatebot.com, "Custom manager support using Regex".
import { readFileSync } from 'node:fs';
import { extname, relative, resolve, sep } from 'node:path';
import ignore from 'ignore';
import type { Finding } from '../../report/report.ts';
import { parseJson5 } from '../../source/json5.ts';
import { decode } from '../../source/text.ts';
import { findingAt } from '../shared/finding.ts';
import { effectOf, isFoundIn } from './pattern-effect.ts';
import type { Planned, Rewrite } from './rewrite.ts';

const NAMES = ['renovate.json', 'renovate.json5', '.renovaterc', '.renovaterc.json', '.renovaterc.json5'];
const FILES = ['', '.github/', '.gitlab/'].flatMap((folder) => NAMES.map((name) => folder + name));
const MAX_BYTES = 1_000_000;

type Pattern = {
  /** Where it stands: `renovate.json customManagers[0].matchStrings[1]`. */
  readonly from: string;
  readonly pattern: string;
  readonly takes: (file: string) => boolean;
};
type Manager = { customType?: unknown; fileMatch?: unknown; managerFilePatterns?: unknown; matchStrings?: unknown };

/** @param top the top of the repository */
function readPatterns(top: string): Pattern[] {
  const seen = new Set<string>();
  const read = (file: string): Pattern[] => {
    if (seen.has(file) || seen.size > 50) return [];
    seen.add(file);
    const config = configOf(resolve(top, file));
    if (config === undefined) return [];
    const own = ['customManagers', 'regexManagers'].flatMap((key) =>
      listOf(config[key]).flatMap((manager, index) => patternsOf(manager as Manager, `${file} ${key}[${index}]`)),
    );
    return [...own, ...listOf(config['extends']).flatMap((preset) => presetsOf(preset).flatMap(read))];
  };
  return FILES.flatMap(read);
}

function configOf(path: string): Record<string, unknown> | undefined {
  try {
    const bytes = readFileSync(path);
    const value = bytes.length > MAX_BYTES ? undefined : parseJson5(decode(bytes, path));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Not there, or no text: Renovate would say so itself.
  }
}

/** `local>org/repo//.renovate/custom.json5` and its likes: a file of this repository, where there is such a file. */
function presetsOf(preset: unknown): string[] {
  const path = /^[a-z]+>[^/]+\/[^/:]+\/\/([\w./-]+)$/.exec(String(preset))?.[1];
  if (path === undefined || path.split('/').includes('..')) return [];
  return extname(path) === '' ? [`${path}.json`, `${path}.json5`] : [path];
}

function patternsOf(manager: Manager | null, from: string): Pattern[] {
  if (manager === null || typeof manager !== 'object') return [];
  const { customType = 'regex', fileMatch, managerFilePatterns, matchStrings } = manager;
  if (customType !== 'regex') return [];
  const tests = [
    ...listOf(fileMatch).map((text) => regexTest(String(text), '')),
    ...listOf(managerFilePatterns).map((text) => fileTest(String(text))),
  ];
  const takes = (file: string) => tests.some((matches) => matches(file));
  return listOf(matchStrings).map((text, index) => ({
    from: `${from}.matchStrings[${index}]`,
    pattern: String(text),
    takes,
  }));
}

/** `/regular expression/` or a glob. */
function fileTest(text: string): (file: string) => boolean {
  const [, source, flags] = /^\/(.*)\/(i?)$/s.exec(text) ?? [];
  if (source !== undefined) return regexTest(source, flags ?? '');
  const glob = ignore().add(`/${text}`);
  return (file) => glob.ignores(file);
}

const regexTest = (source: string, flags: string) => (file: string) => isFoundIn(file, source, flags);

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

const SAYS = {
  blind: 'no longer finds this line once it has a digest',
  misread: 'reads another version here once the line has a digest',
} as const;

type Written = {
  /** Working directory and top of the repository, absolute. */
  readonly cwd: string;
  readonly top: string;
  readonly planned: readonly Planned[];
  readonly rewrite: Rewrite;
};

/** One note for each place and pattern. The digest is right all the same, so the exit code stays. */
export function patternFindings({ cwd, top, planned, rewrite }: Written): Finding[] {
  const patterns = rewrite.changes.length === 0 ? [] : readPatterns(top);
  if (patterns.length === 0) return [];
  const plans = new Map(planned.map((plan) => [plan.result.file, plan]));
  return rewrite.changes.flatMap((change): Finding[] => {
    const plan = plans.get(change.file);
    if (change.kind !== 'replace' || plan === undefined) return [];
    const name = relative(top, resolve(cwd, change.file)).split(sep).join('/');
    const own = patterns.filter(({ takes }) => takes(name));
    if (own.length === 0) return [];
    const textOf = (content: string | Buffer) => decode(Buffer.from(content), change.file);
    const [before, after] = [textOf(change.before), textOf(change.after)];
    const edits = plan.changes.map(({ edit }) => edit);
    return own.flatMap(({ from, pattern }) =>
      effectOf(pattern, before, after, edits).flatMap(({ edit, effect }) => {
        const found = plan.changes.find((item) => item.edit === edit)?.found;
        const message = `the pattern ${from} ${SAYS[effect]}: ${pattern}; let it take an optional @(?<currentDigest>sha256:[a-f0-9]+)`;
        return found === undefined ? [] : [findingAt(found, 'custom-pattern', 'note', message)];
      }),
    );
  });
}
