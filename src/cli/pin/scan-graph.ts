// scan --graph: what each overlay of the tree deploys, from the overlay down to the place that decides.
import { describeGraph, type GraphRoot } from '../../graph/describe.ts';
import { rootFrom } from '../../graph/graph.ts';
import { loadKustomizations } from '../../graph/load.ts';
import { plural } from '../../report/plural.ts';
import type { Report, Section } from '../../report/report.ts';
import type { FileResult } from '../../source/find.ts';

/** @param results as found @param files all files of the tree, relative to the working folder */
export async function graphReport(results: readonly FileResult[], files: readonly string[]): Promise<Report> {
  const cwd = process.cwd();
  const roots = describeGraph(results, await loadKustomizations(files, cwd), rootFrom(cwd));
  const images = roots.reduce((sum, { images: list }) => sum + list.length, 0);
  return {
    command: 'scan',
    sections: roots.map(section),
    findings: [],
    problems: results.flatMap(({ problems }) => problems),
    summary: [`${plural(images, 'image')} by way of ${plural(roots.length, 'overlay')}`],
    data: { graph: roots },
  };
}

function section({ root, chain, images }: GraphRoot): Section {
  return {
    title: root === undefined ? 'applied without an overlay' : [...chain].reverse().join(' → '),
    head: [],
    rows: images.map(({ at, written, deployed, decidedBy }) => [
      { text: at, style: 'dim' },
      written === deployed ? deployed : `${written} → ${deployed}`,
      { text: decidedBy === at ? '' : `decided by ${decidedBy}`, style: 'dim' },
    ]),
  };
}
