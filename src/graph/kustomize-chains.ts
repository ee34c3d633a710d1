// Which kustomizations apply to a file, in which order. Pure. A file that several overlays take has a chain for each.
import { posix } from 'node:path';
import type { FileResult } from '../source/find.ts';
import { fluxOverlay, isKustomizationFile, type KustomizationFile } from './kustomization-file.ts';

/** Kustomizations from the innermost to the root, in the order in which their `images:` apply. */
export type Chain = readonly KustomizationFile[];

/** Chains of all files together; a tree with more is not followed further. */
const MAX_CHAINS = 200_000;
/** Kustomizations inside kustomizations; kustomize itself refuses a circle. */
const MAX_DEPTH = 32;

export type Chains = {
  /** By file; a file that no kustomization takes has no entry. */
  readonly of: ReadonlyMap<string, readonly Chain[]>;
  /** The kustomization at which a bound was reached: then not every chain is known. */
  readonly incomplete: string | undefined;
};

/** One file inside one kustomization, with what has applied to it so far. */
type Taken = { readonly file: string; readonly chain: Chain };

/** The objects of Flux in a tree, as the overlays that they are. */
export const overlaysOf = (results: readonly FileResult[]): KustomizationFile[] =>
  results.flatMap(({ file, overlays = [] }) => overlays.map((overlay) => fluxOverlay(overlay, file)));

/** The chains over the files of a tree in which anything was found. */
export function chainsOver(results: readonly FileResult[], kustomizations: readonly KustomizationFile[]): Chains {
  const files = results.filter(({ found, skipped }) => found.length + skipped.length > 0).map(({ file }) => file);
  return kustomizeChains(kustomizations, files);
}

/** @param files with images: what an object of Flux applies where its folder has no kustomization */
export function kustomizeChains(kustomizations: readonly KustomizationFile[], files: readonly string[] = []): Chains {
  const byFolder = new Map(
    kustomizations.filter(({ flux }) => flux === undefined).map((item) => [posix.dirname(item.file), item]),
  );
  const at = (path: string) =>
    byFolder.get(posix.normalize(path).replace(/\/$/, '') || '.') ??
    (isKustomizationFile(path) ? byFolder.get(posix.dirname(path)) : undefined);
  const known = new Map<KustomizationFile, readonly Taken[]>();
  let count = 0;
  let incomplete: string | undefined;

  /** What a folder of resources yields: accumulated on its own, then added to each kustomization that includes it. */
  const taken = (item: KustomizationFile, depth: number): readonly Taken[] => {
    const before = known.get(item);
    if (before !== undefined) return before;
    known.set(item, []); // kustomize refuses a circle; here it takes nothing from itself
    const all = accumulate(item, [], depth);
    known.set(item, all);
    return all;
  };

  /**
   * As kustomize accumulates a target: its resources, then its components, each of which applies to all that was taken so
   * far, then its own patches and images.
   */
  const accumulate = (item: KustomizationFile, before: readonly Taken[], depth: number): readonly Taken[] => {
    if (depth > MAX_DEPTH || count > MAX_CHAINS) {
      incomplete ??= item.file;
      return before;
    }
    let inside = [...before];
    for (const path of item.resources) {
      const inner = at(path);
      if (inner !== undefined) inside.push(...taken(inner, depth + 1));
      else if (item.flux === undefined) inside.push({ file: path, chain: [] });
      else for (const file of files) if (file.startsWith(`${path}/`)) inside.push({ file, chain: [] });
    }
    for (const path of item.components) {
      const component = at(path);
      if (component !== undefined) inside = [...accumulate(component, inside, depth + 1)];
    }
    // Patches of its own; an object of Flux is applied by another.
    if (item.flux === undefined) for (const file of [item.file, ...item.patches]) inside.push({ file, chain: [] });
    count += inside.length;
    return inside.map(({ file, chain }) => ({ file, chain: [...chain, item] }));
  };

  // An object of Flux whose source may be another repository takes nothing away: what it names is deployed as it is, too.
  const certain = kustomizations.filter(({ flux }) => flux?.ours !== false);
  const used = new Set(
    certain.flatMap(({ resources, components }) => [...resources, ...components].flatMap((path) => at(path) ?? [])),
  );
  const of = new Map<string, Chain[]>();
  for (const root of kustomizations) {
    if (used.has(root)) continue;
    for (const { file, chain } of taken(root, 0)) {
      const known = of.get(file);
      if (known === undefined) of.set(file, [chain]);
      else known.push(chain);
    }
  }
  for (const chains of of.values()) if (chains.every((chain) => chain.at(-1)?.flux?.ours === false)) chains.push([]);
  return { of, incomplete };
}
