// The deployment graph over what was found in a tree: overlays and charts decide what a reference is and what can be written there.
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { FileResult } from '../source/find.ts';
import { chartFound, unknownRegistry } from './chart.ts';
import { loadKustomizations } from './load.ts';
import { type Charts, chartsOf } from './load-charts.ts';
import { deployTree } from './tree.ts';

/**
 * @param files all files of the tree, relative to `cwd`
 * @returns the results with references as they are deployed, and with slots that the charts of the tree take
 */
export async function seeAsDeployed(
  results: readonly FileResult[],
  files: readonly string[],
  cwd: string,
): Promise<readonly FileResult[]> {
  const overlaid = deployTree(results, await loadKustomizations(files, cwd), rootFrom(cwd));
  const charts = chartsOf(files, cwd);
  return Promise.all(overlaid.map((result) => chartResult(result, charts)));
}

async function chartResult(result: FileResult, charts: Charts): Promise<FileResult> {
  const { file, found, globalRegistry: global } = result;
  if (!found.some(({ parts }) => parts !== undefined)) return result;
  const chart = found.some(({ dialect }) => dialect === 'helm-values') ? await charts.of(file) : undefined;
  if (chart !== undefined) return { ...result, found: found.map((item) => chartFound(item, chart, global)) };
  return global === undefined ? result : { ...result, found: found.map((item) => unknownRegistry(item, global)) };
}

/** The top of the git repository as seen from the folder, where paths in objects of Flux begin; outside of one: the folder. */
function rootFrom(cwd: string): string {
  for (let at = cwd; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return relative(cwd, at) || '.';
    if (dirname(at) === at) return '.';
  }
}
