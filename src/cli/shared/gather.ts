// From paths on the command line to what was found in them, with the configuration applied.
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Found, Skipped } from '../../flow.ts';
import { matchesPattern } from '../../image/pattern.ts';
import { repositoryOf } from '../../image/reference.ts';
import type { Config } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import type { ListOptions, PassedOver, UnfollowedLink } from '../../source/files.ts';
import { type FileResult, type FindOptions, findIn } from '../../source/find.ts';
import { isConfiguration } from '../../source/own-files.ts';
import { decode, isWide, MAX_FILE_BYTES, tooLarge } from '../../source/text.ts';
import { type Context, collect } from './command.ts';
import type { OpenProject } from './project.ts';
import { readTree, type Tree } from './tree.ts';

export type FindFlags = { exclude: string[]; argsEnv?: boolean; stdinName: string; changed?: string | true };

export function findOptions(command: Command): Command {
  return command
    .argument('[paths...]', 'files, folders or globs; - is standard input (default: .)')
    .option('--exclude <pattern>', 'leave files out, as in .gitignore (repeatable)', collect, [])
    .option(
      '--changed [base]',
      'only files that changed since the branch left its base (default: the target of the merge request, else origin/HEAD)',
    )
    .option('--args-env', 'find images in args, command and env values too')
    .option('--stdin-name <name>', 'what standard input is, by a file name', 'stdin.yaml');
}

export type GatheredFiles = {
  readonly results: readonly FileResult[];
  readonly found: readonly Found[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  /** Absent for standard input. */
  readonly tree?: Tree;
  /** How they were searched; an edit is proved with the same options. */
  readonly options: FindOptions;
  /** Files that were read. */
  readonly files: number;
  /** Symbolic links that were not followed, and why. */
  readonly links: readonly UnfollowedLink[];
  /** Paths that are not read, and why. */
  readonly passedOver: readonly PassedOver[];
  /** Which files were asked for, and further configurations: lines for the end of a report. */
  readonly notes: readonly string[];
  /** The text of standard input, when that is what was read. */
  readonly stdin?: string;
};

export async function gather(
  paths: string[],
  flags: FindFlags,
  project: OpenProject,
  context: Context,
): Promise<GatheredFiles> {
  const { config, cwd, top, root, configuration, lock } = project;
  const options: FindOptions = {
    fields: config.find.fields,
    argsAndEnv: flags.argsEnv ?? config.find.argsAndEnv,
  };
  if (paths.includes('-')) {
    if (paths.length > 1 || flags.changed !== undefined)
      throw new Problem('usage', 'standard input (-) cannot be combined with paths or --changed');
    const stdin = await readStdin();
    const results = [await findIn(stdin, flags.stdinName, options)];
    return { ...apply(results, config), options, files: 1, links: [], passedOver: [], notes: [], stdin };
  }
  context.progress.show('looking for files');
  const listing: ListOptions = {
    cwd,
    top,
    exclude: [
      { folder: root, patterns: config.find.exclude, from: 'find.exclude' },
      { folder: cwd, patterns: flags.exclude, from: '--exclude' },
    ],
    own: new Set([configuration, lock].flatMap((file) => (file === undefined ? [] : [resolve(cwd, file)]))),
  };
  const { tree, list, results } = await readTree(
    paths.length === 0 ? ['.'] : paths,
    project,
    { listing, options, changed: flags.changed },
    context,
  );
  const applied = apply(results, config);
  const { links, passedOver } = list;
  const problems = [...list.problems, ...applied.problems];
  return {
    ...applied,
    tree,
    options,
    problems,
    files: tree.scope.size,
    links,
    passedOver,
    notes: [...tree.notes, ...otherProjects(passedOver, project)],
  };
}

/** Configurations below the one of this run, which do not count in it: each governs runs from its own folder. */
function otherProjects(passedOver: readonly PassedOver[], { configuration, cwd }: OpenProject): string[] {
  const own = configuration === undefined ? undefined : resolve(cwd, configuration);
  const others = passedOver.filter(
    ({ file, kind }) => kind === 'own' && isConfiguration(basename(file)) && resolve(cwd, file) !== own,
  );
  if (others.length === 0) return [];
  const names = others.map(({ file }) => file).join(', ');
  return [`not obeyed in this run, which has one configuration: ${names}`];
}

function apply(
  results: readonly FileResult[],
  config: Config,
): Omit<GatheredFiles, 'files' | 'links' | 'passedOver' | 'notes' | 'options'> {
  const kept = config.find.ignore.length === 0 ? results : results.map((result) => withoutIgnored(result, config));
  return {
    results: kept,
    found: kept.flatMap((result) => result.found.filter(({ overriddenBy }) => overriddenBy === undefined)),
    skipped: kept.flatMap((result) => result.skipped),
    problems: kept.flatMap((result) => result.problems),
  };
}

function withoutIgnored(result: FileResult, config: Config): FileResult {
  const found: Found[] = [];
  const skipped: Skipped[] = [...result.skipped];
  for (const item of result.found) {
    const rule = config.find.ignore.find(({ image }) => matchesPattern(image, repositoryOf(item.reference)));
    if (rule === undefined) found.push(item);
    else {
      const { kind: _, reference, slot: _slot, object: _object, note: _note, ...place } = item;
      skipped.push({
        ...place,
        kind: 'skipped',
        text: reference.text,
        reason: 'ignored',
        detail: `tagproof.yaml, ${rule.image}: ${rule.reason}`,
      });
    }
  }
  return { ...result, found, skipped };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw tooLarge(size, 'stdin');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  // A filter writes UTF-8, which is what `kubectl apply -f -` reads.
  if (isWide(bytes)) throw new Problem('encoding', 'expected UTF-8 text, got binary data or UTF-16', { file: 'stdin' });
  return decode(bytes, 'stdin');
}
