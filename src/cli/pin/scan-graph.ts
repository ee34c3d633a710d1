// scan --graph: what each overlay of the tree deploys, from the overlay down to the place that decides.
import { describeGraph, type GraphRoot } from '../../graph/describe.ts';
import { loadKustomizations } from '../../graph/load.ts';
import { plural } from '../../report/plural.ts';
import type { Report, Section } from '../../report/report.ts';
import { shownAs, type Tree } from '../shared/tree.ts';

export async function graphReport({ top, results, files, scope, show }: Tree): Promise<Report> {
  const kustomizations = await loadKustomizations(files, top);
  const roots = describeGraph(results, kustomizations, { show, wanted: (file) => scope.has(file) });
  const images = roots.reduce((sum, { images: list }) => sum + list.length, 0);
  return {
    command: 'scan',
    sections: roots.map(section),
    findings: [],
    problems: results.filter(({ file }) => scope.has(file)).flatMap((result) => shownAs(result, show).problems),
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
