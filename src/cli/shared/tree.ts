// Reads the files that were asked for, and sees them as the whole tree deploys them: an overlay elsewhere may decide over a file that
// was named. Files have their names from the top of the repository here, so that what they are does not depend on the working folder.
import { relative, resolve } from 'node:path';
import { branchChanges } from '../../changed.ts';
import type { Found, Skipped } from '../../flow.ts';
import { nameFrom, repositoryTop } from '../../git.ts';
import { Problem } from '../../problem.ts';
import { dialectOf } from '../../source/dialects.ts';
import { type FileList, type ListOptions, listFiles } from '../../source/files.ts';
import type { FileResult, FindOptions } from '../../source/find.ts';
import { readFiles } from '../../source/read.ts';
import type { Context } from './command.ts';
import type { OpenProject } from './project.ts';

export type Tree = {
  /** Absolute. */
  readonly top: string;
  /** As found, before the deployment graph. */
  readonly results: readonly FileResult[];
  readonly files: readonly string[];
  /** Of them: what was asked for. */
  readonly scope: ReadonlySet<string>;
  /** How a file is shown: as the user gave it, else relative to the working directory. */
  readonly show: (file: string) => string;
  /** What the files are, where only some of the tree were asked for. */
  readonly notes: readonly string[];
};

export type ReadTree = {
  readonly tree: Tree;
  readonly list: FileList;
  /** The files that were asked for, as they are deployed, with names as they are shown. */
  readonly results: readonly FileResult[];
};

/**
 * @param options how files are searched; @param listing what is left out
 * @param changed only files that changed since this base, or since the default one
 */
export async function readTree(
  paths: readonly string[],
  project: OpenProject,
  { listing, options, changed }: { listing: ListOptions; options: FindOptions; changed: string | true | undefined },
  { progress, signal }: Context,
): Promise<ReadTree> {
  const { cwd, top, config } = project;
  const list = listFiles(paths, listing);
  const diff =
    changed === undefined ? undefined : branchChanges(repositoryTop(cwd), changed === true ? undefined : changed);
  const asks = (file: string) => diff === undefined || diff.files.has(resolve(cwd, file));
  const shown = new Map(list.files.filter(asks).map((file) => [nameFrom(top, resolve(cwd, file)), file]));
  const show = (file: string) => shown.get(file) ?? relative(cwd, resolve(top, file));
  const read = async (files: readonly string[]) => {
    const results = await readFiles(files, top, options, {
      progress: (done) => progress.show(`read ${done} of ${files.length} files`),
    });
    if (signal.aborted) throw new Problem('interrupted', 'interrupted');
    return results;
  };
  const scope = new Set(shown.keys());
  const files = [...scope];
  const results = await read(files);
  if (needsRest(results, scope, project)) {
    const rest = listFiles([top], { ...listing, cwd: top })
      .files.map((file) => nameFrom(top, file))
      .filter((file) => !scope.has(file));
    if (rest.length > 0) results.push(...(await read(rest)));
    files.push(...rest);
  }
  const deployed = await asDeployed(results, {
    files,
    top,
    charts: config.find.charts ?? [],
    folder: nameFrom(top, project.root) || '.',
    show,
  });
  // What a change leaves to an overlay is decided there, in a file that did not change.
  if (diff !== undefined) for (const file of decidersOf(deployed, scope)) scope.add(file);
  const asked = deployed.filter(({ file }) => scope.has(file));
  return {
    tree: {
      top,
      results,
      files,
      scope,
      show,
      notes: diff === undefined ? [] : [`only what changed since ${diff.since}`],
    },
    list,
    results: files.every((file) => show(file) === file) ? asked : asked.map((result) => shownAs(result, show)),
  };
}

const decidersOf = (results: readonly FileResult[], scope: ReadonlySet<string>): string[] =>
  results
    .filter(({ file }) => scope.has(file))
    .flatMap(({ found, skipped }) => [...found, ...skipped].flatMap(({ overriddenBy = [] }) => overriddenBy));

/** The rest of the tree matters where it could decide over something that was found, and where it is known how far it reaches. */
function needsRest(results: readonly FileResult[], scope: ReadonlySet<string>, { isBounded }: OpenProject): boolean {
  const inside = ({ file }: FileResult) => !file.startsWith('../') && !file.startsWith('/');
  const open = ({ found, skipped, overlays }: FileResult) =>
    found.length + skipped.length > 0 || overlays !== undefined;
  return isBounded && scope.size > 0 && results.some((result) => inside(result) && open(result));
}

type GraphOptions = Parameters<typeof import('../../graph/graph.ts').seeAsDeployed>[1];

/** The deployment graph is loaded only where something could decide over an image: an overlay, or a chart that takes it in parts. */
async function asDeployed(results: readonly FileResult[], options: GraphOptions): Promise<readonly FileResult[]> {
  const decides =
    options.files.some((file) => dialectOf(file) === 'kustomize') ||
    results.some(({ found, overlays }) => overlays !== undefined || found.some(({ parts }) => parts !== undefined));
  return decides ? (await import('../../graph/graph.ts')).seeAsDeployed(results, options) : results;
}

/** The same with the names that users see. */
export function shownAs(result: FileResult, show: (file: string) => string): FileResult {
  const file = show(result.file);
  const place = <T extends Found | Skipped>(item: T): T => ({
    ...item,
    file,
    ...(item.overriddenBy !== undefined && { overriddenBy: item.overriddenBy.map(show) }),
  });
  return {
    ...result,
    file,
    found: result.found.map(place),
    skipped: result.skipped.map(place),
    problems: result.problems.map((problem) => problem.moved({ ...problem.where, file })),
  };
}
