// From paths on the command line to what was found in them, with the configuration applied.
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import type { Found, Skipped } from '../../flow.ts';
import type { GraphOptions } from '../../graph/graph.ts';
import { matchesPattern } from '../../image/pattern.ts';
import { repositoryOf } from '../../image/reference.ts';
import { type Config, NO_CONFIG } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import { dialectOf } from '../../source/dialects.ts';
import { listFiles, type UnfollowedLink } from '../../source/files.ts';
import { type FileResult, type FindOptions, findIn } from '../../source/find.ts';
import { readFiles } from '../../source/read.ts';
import { decode, isWide, MAX_FILE_BYTES, tooLarge } from '../../source/text.ts';
import { type Context, collect } from './command.ts';

export type FindFlags = { exclude: string[]; argsEnv?: boolean; stdinName: string };

export function findOptions(command: Command): Command {
  return command
    .argument('[paths...]', 'files, folders or globs; - is standard input (default: .)')
    .option('--exclude <pattern>', 'leave files out, as in .gitignore (repeatable)', collect, [])
    .option('--args-env', 'find images in args, command and env values too')
    .option('--stdin-name <name>', 'what standard input is, by a file name', 'stdin.yaml');
}

export type GatheredFiles = {
  readonly results: readonly FileResult[];
  readonly found: readonly Found[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  /** As found, before the deployment graph; and all files that were listed. */
  readonly tree?: { readonly results: readonly FileResult[]; readonly files: readonly string[] };
  /** How they were searched; an edit is proved with the same options. */
  readonly options: FindOptions;
  /** Files that were read. */
  readonly files: number;
  /** Symbolic links that were not followed, and why. */
  readonly links: readonly UnfollowedLink[];
  /** The text of standard input, when that is what was read. */
  readonly stdin?: string;
};

export async function gather(
  paths: string[],
  flags: FindFlags,
  config: Config,
  { progress, signal }: Context,
): Promise<GatheredFiles> {
  const options: FindOptions = {
    fields: config.find.fields,
    argsAndEnv: flags.argsEnv ?? config.find.argsAndEnv,
  };
  if (paths.includes('-')) {
    if (paths.length > 1) throw new Problem('usage', 'standard input (-) cannot be combined with paths');
    const stdin = await readStdin();
    return { ...apply([await findIn(stdin, flags.stdinName, options)], config), options, files: 1, links: [], stdin };
  }
  progress.show('looking for files');
  const { files, problems, links } = listFiles(paths.length === 0 ? ['.'] : paths, process.cwd(), [
    ...config.find.exclude,
    ...flags.exclude,
  ]);
  // The configuration names images too; they are tagproof's own, not the repository's.
  const searched = files.filter((file) => basename(file) !== 'tagproof.yaml' || dirname(file) !== '.');
  const results = await readFiles(searched, process.cwd(), options, {
    progress: (done) => progress.show(`read ${done} of ${searched.length} files`),
  });
  if (signal.aborted) throw new Problem('interrupted', 'interrupted');
  const applied = apply(
    await asDeployed(results, { files: searched, cwd: process.cwd(), charts: config.find.charts ?? [] }),
    config,
  );
  const tree = { results, files: searched };
  return { ...applied, tree, options, problems: [...problems, ...applied.problems], files: searched.length, links };
}

/** The deployment graph is loaded only where something could decide over an image: an overlay, or a chart that takes it in parts. */
async function asDeployed(results: readonly FileResult[], options: GraphOptions): Promise<readonly FileResult[]> {
  const decides =
    options.files.some((file) => dialectOf(file) === 'kustomize') ||
    results.some(({ found, overlays }) => overlays !== undefined || found.some(({ parts }) => parts !== undefined));
  return decides ? (await import('../../graph/graph.ts')).seeAsDeployed(results, options) : results;
}

/** Loads tagproof.yaml only when there is one: its reader costs more than a scan of one file. */
export async function loadConfig(file: string | undefined): Promise<Config> {
  if (file === undefined && !existsSync('tagproof.yaml')) return NO_CONFIG;
  return (await import('../../policy/config-file.ts')).readConfig(file);
}

function apply(results: readonly FileResult[], config: Config): Omit<GatheredFiles, 'files' | 'links' | 'options'> {
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
