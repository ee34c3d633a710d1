// The deployment graph over what was found in a tree: overlays and charts decide what a reference is and what can be written there.
import { posix } from 'node:path';
import type { Found } from '../flow.ts';
import type { FileResult } from '../source/find.ts';
import { chartFound, unknownRegistry } from './chart.ts';
import { type ChartForm, type ChartSetting, formOf, remoteChartOf, remoteFound, writtenForms } from './chart-forms.ts';
import { loadKustomizations } from './load.ts';
import { type Charts, chartsOf } from './load-charts.ts';
import { deployTree } from './tree.ts';

export type GraphOptions = {
  /** All files of the tree, relative to `top`. */
  readonly files: readonly string[];
  /** The top of the repository, absolute. Paths in objects of Flux begin there. */
  readonly top: string;
  /** `find.charts` of the configuration. */
  readonly charts?: readonly ChartSetting[];
  /** The folder that `files:` in them begins at, relative to `top`. */
  readonly folder?: string;
  /** How a file is shown to users in texts. */
  readonly show?: (file: string) => string;
};

/** @returns the results with references as they are deployed, and with slots that their charts take */
export async function seeAsDeployed(
  results: readonly FileResult[],
  { files, top, charts: settings = [], folder = '.', show = (file) => file }: GraphOptions,
): Promise<readonly FileResult[]> {
  const overlaid = deployTree(results, await loadKustomizations(files, top), show);
  const tree = chartsOf(files, top);
  const written = writtenForms(
    overlaid.flatMap(({ found, charts = [] }) =>
      found.flatMap((item) => {
        const chart = remoteChartOf(item, charts);
        return chart === undefined ? [] : [{ found: item, chart }];
      }),
    ),
  );
  return Promise.all(overlaid.map((result) => chartResult(result, { tree, settings, folder, written })));
}

type Known = {
  readonly tree: Charts;
  readonly settings: readonly ChartSetting[];
  readonly folder: string;
  readonly written: ReadonlyMap<string, ChartForm>;
};

async function chartResult(result: FileResult, { tree, settings, folder, written }: Known): Promise<FileResult> {
  const { file, found, charts = [], globalRegistry: global } = result;
  if (!found.some(({ parts }) => parts !== undefined)) return result;
  const isValues = found.some(({ dialect }) => dialect === 'helm-values');
  const chart = isValues ? await tree.of(file) : undefined;
  const seen = found.map((item) => {
    const elsewhere = (found: Found, name: string | undefined) =>
      remoteFound(found, formOf(name, posix.relative(folder, file), settings, written), name);
    if (chart !== undefined) return chartFound(item, chart, global, elsewhere);
    const remote = remoteChartOf(item, charts);
    if (item.parts === undefined || (remote === undefined && item.dialect !== 'helm-values')) return item;
    const placed = elsewhere(item, remote);
    return global === undefined ? placed : unknownRegistry(placed, global);
  });
  return { ...result, found: seen };
}
