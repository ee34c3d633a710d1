// The deployment graph over what was found in a tree: overlays and charts decide what a reference is and what can be written there.
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Found } from '../flow.ts';
import type { FileResult } from '../source/find.ts';
import { chartFound, unknownRegistry } from './chart.ts';
import { type ChartForm, type ChartSetting, formOf, remoteChartOf, remoteFound, writtenForms } from './chart-forms.ts';
import { loadKustomizations } from './load.ts';
import { type Charts, chartsOf } from './load-charts.ts';
import { deployTree } from './tree.ts';

export type GraphOptions = {
  /** All files of the tree, relative to `cwd`. */
  readonly files: readonly string[];
  readonly cwd: string;
  /** `find.charts` of tagproof.yaml. */
  readonly charts?: readonly ChartSetting[];
};

/** @returns the results with references as they are deployed, and with slots that their charts take */
export async function seeAsDeployed(
  results: readonly FileResult[],
  { files, cwd, charts: settings = [] }: GraphOptions,
): Promise<readonly FileResult[]> {
  const overlaid = deployTree(results, await loadKustomizations(files, cwd), rootFrom(cwd));
  const tree = chartsOf(files, cwd);
  const written = writtenForms(
    overlaid.flatMap(({ found, charts = [] }) =>
      found.flatMap((item) => {
        const chart = remoteChartOf(item, charts);
        return chart === undefined ? [] : [{ found: item, chart }];
      }),
    ),
  );
  return Promise.all(overlaid.map((result) => chartResult(result, { tree, settings, written })));
}

type Known = {
  readonly tree: Charts;
  readonly settings: readonly ChartSetting[];
  readonly written: ReadonlyMap<string, ChartForm>;
};

async function chartResult(result: FileResult, { tree, settings, written }: Known): Promise<FileResult> {
  const { file, found, charts = [], globalRegistry: global } = result;
  if (!found.some(({ parts }) => parts !== undefined)) return result;
  const isValues = found.some(({ dialect }) => dialect === 'helm-values');
  const chart = isValues ? await tree.of(file) : undefined;
  const seen = found.map((item) => {
    const elsewhere = (found: Found, name: string | undefined) =>
      remoteFound(found, formOf(name, file, settings, written), name);
    if (chart !== undefined) return chartFound(item, chart, global, elsewhere);
    const remote = remoteChartOf(item, charts);
    if (item.parts === undefined || (remote === undefined && item.dialect !== 'helm-values')) return item;
    const placed = elsewhere(item, remote);
    return global === undefined ? placed : unknownRegistry(placed, global);
  });
  return { ...result, found: seen };
}

/** The top of the git repository as seen from the folder, where paths in objects of Flux begin; outside of one: the folder. */
export function rootFrom(cwd: string): string {
  for (let at = cwd; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return relative(cwd, at) || '.';
    if (dirname(at) === at) return '.';
  }
}
