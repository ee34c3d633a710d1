// The deployment graph for people: for each root of the tree what it deploys, by way of which kustomizations, and where each image's
// digest is decided. Pure.
import type { Found } from '../flow.ts';
import type { FileResult } from '../source/find.ts';
import { follow, type PatchedChain, patchedChain, TRANSFORMED } from './deploy.ts';
import type { KustomizationFile } from './kustomization-file.ts';
import { chainsOver, overlaysOf } from './kustomize-chains.ts';
import { patchedContainers } from './patches.ts';

export type DeployedImage = {
  /** Where it is declared: `base/web.yaml:12`. */
  readonly at: string;
  /** As written there, without digest. */
  readonly written: string;
  /** As this root deploys it, without digest. */
  readonly deployed: string;
  /** The place whose tag is deployed: `prod/kustomization.yaml images[0].name`, or where it is declared. */
  readonly decidedBy: string;
};

export type GraphRoot = {
  /** A kustomization or an object of Flux that no other one takes; undefined: applied without any. */
  readonly root: string | undefined;
  /** Kustomizations from the innermost to the root. */
  readonly chain: readonly string[];
  readonly images: readonly DeployedImage[];
};

export type GraphView = {
  /** How a file is shown. */
  readonly show?: (file: string) => string;
  /** Files whose images are listed; default: all. */
  readonly wanted?: (file: string) => boolean;
};

/** @param results as found, before the graph changed them; files are named from the top of the repository */
export function describeGraph(
  results: readonly FileResult[],
  kustomizations: readonly KustomizationFile[],
  { show = (file) => file, wanted = () => true }: GraphView = {},
): GraphRoot[] {
  const { of } = chainsOver(results, [...kustomizations, ...overlaysOf(results)]);
  const patchOf = patchedContainers(
    results.flatMap(({ found }) => found),
    kustomizations,
  );
  const groups = new Map<string, GraphRoot & { images: DeployedImage[] }>();
  for (const { found } of results.filter(({ file }) => wanted(file)))
    for (const item of found) {
      if (item.dialect === 'kustomize' && !TRANSFORMED.test(item.path)) continue; // an entry, and no declaration
      for (const chain of of.get(item.file) ?? [[]]) {
        const names = chain.map(({ file }) => show(file));
        const key = names.join('\n');
        const group = groups.get(key) ?? { root: names.at(-1), chain: names, images: [] };
        group.images.push(...imageOf(item, patchedChain(item, chain, patchOf), show));
        groups.set(key, group);
      }
    }
  return [...groups.values()].sort((a, b) => ((a.root ?? '') < (b.root ?? '') ? -1 : 1));
}

/** @returns nothing for an image that a patch replaces: the patch has an image of its own */
function imageOf(item: Found, patched: PatchedChain, show: (file: string) => string): DeployedImage[] {
  const at = `${show(item.file)}:${item.line}`;
  const { tag, name } = item.reference;
  const written = `${name}${tag === undefined ? '' : `:${tag}`}`;
  if (!TRANSFORMED.test(item.path)) return [{ at, written, deployed: written, decidedBy: at }];
  let [deployed, decidedBy] = [written, at];
  follow(item, patched, (place, outcome) => {
    if (outcome.kind !== 'deployed') return;
    deployed = outcome.image;
    decidedBy = place === item ? at : `${show(place.file)} ${place.path}`;
  });
  return patched.patch === undefined ? [{ at, written, deployed, decidedBy }] : [];
}
