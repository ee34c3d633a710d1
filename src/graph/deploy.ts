// What each image of a tree is when it is deployed, and which place decides it. Pure. Each declaration of a tag is followed through
// every chain of kustomizations that takes its file: renamed, replaced, or left as it is.
import type { Found, Reference } from '../flow.ts';
import { parseReference, printReference, withoutDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import {
  applyOverride,
  type ImageOverride,
  type ImageParts,
  joinImage,
  matchesOverride,
  splitImage,
} from './image-override.ts';
import type { KustomizationFile } from './kustomization-file.ts';
import type { Chain, Chains } from './kustomize-chains.ts';
import type { PatchOf } from './patches.ts';

/** A place whose tag may be the one that is deployed: a reference in a manifest, or an entry of `images:` with a tag. */
export type Place = { readonly file: string; readonly document: number; readonly path: string };

/** What becomes of one declaration in one chain. `by`: the file that replaces it. */
export type ChainOutcome =
  | { readonly kind: 'deployed'; readonly image: string; readonly renamedBy: Entry | undefined }
  | { readonly kind: 'replaced'; readonly by: string };

/** An entry of a kustomization's `images:`. */
export type Entry = { readonly kustomization: KustomizationFile; readonly index: number };

export type Deployment =
  /** Deployed under its written name. @param reference with the tag that a digest without tag was made for, where one is known */
  | { readonly kind: 'as-written'; readonly reference?: Reference }
  /** Deployed under another name everywhere: that image's digest belongs here. */
  | { readonly kind: 'renamed'; readonly reference: Reference; readonly by: Entry }
  /** Its tag is deployed nowhere. */
  | { readonly kind: 'replaced'; readonly by: readonly string[] }
  /** Deployed under several names: each overlay that renames it needs the digest of its own image. */
  | { readonly kind: 'several'; readonly asWritten: boolean; readonly renamed: readonly Renamed[] }
  /** What an overlay makes of it is no valid reference. */
  | { readonly kind: 'invalid'; readonly image: string; readonly by: Entry; readonly reason: string };

/** @param reference what the entry makes of the image, without digest */
export type Renamed = { readonly by: Entry; readonly reference: Reference };

/** kustomize changes images of containers and init containers, wherever these lists are; a JSON patch sets such a field. */
export const TRANSFORMED = /(?:^|\.)(?:containers|initContainers)\[\d+\]\.image$|\[\d+\]\.value$/;

export const placeKey = ({ file, document, path }: Place): string => `${file}\n${document}\n${path}`;
/** Where an entry is: in a kustomization's own list, or in that of an object of Flux. */
export const entryPlace = ({ kustomization: { file, flux }, index }: Entry, key: 'name' | 'newName'): Place => ({
  file,
  document: flux?.document ?? 0,
  path: `${flux?.entries ?? 'images'}[${index}].${key}`,
});

/**
 * @param found references of the tree, with or without digest
 * @returns by `placeKey`, for each declaration that at least one chain takes
 */
export function deployments(
  found: readonly Found[],
  chains: Chains,
  patchOf: PatchOf,
): ReadonlyMap<string, Deployment> {
  const outcomes = new Map<string, ChainOutcome[]>();
  const add = (place: Place, outcome: ChainOutcome) => {
    const key = placeKey(place);
    const known = outcomes.get(key);
    if (known === undefined) outcomes.set(key, [outcome]);
    else known.push(outcome);
  };
  for (const item of found) {
    if (!TRANSFORMED.test(item.path)) continue;
    for (const chain of chains.of.get(item.file) ?? []) follow(item, patchedChain(item, chain, patchOf), add);
  }
  return new Map([...outcomes].map(([key, list]) => [key, deploymentOf(list)]));
}

/** One entry that applies to an image, and the image after it. */
type Step = { readonly entry: Entry; readonly override: ImageOverride; readonly image: ImageParts };

/** The entries of a chain that apply to an image, in order, as kustomize would apply them. */
export function* stepsOf(image: string, chain: Chain): Generator<Step> {
  let parts = splitImage(image);
  for (const kustomization of chain)
    for (const override of kustomization.images) {
      if (!matchesOverride(joinImage(parts), override.name)) continue;
      parts = applyOverride(parts, override);
      yield { entry: { kustomization, index: override.index }, override, image: parts };
    }
}

/** The kustomizations that apply to an image before a patch replaces it, and the file of that patch. */
export type PatchedChain = { readonly chain: Chain; readonly patch: string | undefined };

/** In each kustomization patches apply before `images:`. */
export function patchedChain(found: Found, chain: Chain, patchOf: PatchOf): PatchedChain {
  for (const [index, kustomization] of chain.entries()) {
    const patch = patchOf(kustomization, found);
    if (patch !== undefined) return { chain: chain.slice(0, index), patch };
  }
  return { chain, patch: undefined };
}

/** Follows the tag of one declaration through one chain; digests that are written already decide nothing about the tag. */
export function follow(
  found: Found,
  { chain, patch }: PatchedChain,
  add: (place: Place, outcome: ChainOutcome) => void,
): void {
  let image: ImageParts = { ...splitImage(found.reference.text), digest: '' };
  let holder: Place = found;
  let renamedBy: Entry | undefined;
  for (const { entry, override } of stepsOf(found.reference.text, chain)) {
    const { newName = '', newTag = '', digest = '', tagSuffix = '' } = override;
    if (newTag !== '' || digest !== '' || tagSuffix !== '') {
      add(holder, { kind: 'replaced', by: entry.kustomization.file });
      holder = entryPlace(entry, newName === '' ? 'name' : 'newName');
      // A suffix makes a new tag of the one from below: the entry holds it, and does not spell it.
      renamedBy = newTag === '' && digest === '' ? entry : undefined;
    } else if (newName !== '' && newName !== image.name) renamedBy = entry;
    // A digest without a tag drops the tag; which tag it was made from is still known from below, unless it has a suffix.
    const { tag } =
      digest === '' || newTag !== '' ? applyOverride(image, override) : { tag: tagSuffix === '' ? image.tag : '' };
    image = { name: newName === '' ? image.name : newName, tag, digest: '' };
  }
  if (patch === undefined) add(holder, { kind: 'deployed', image: joinImage(image), renamedBy });
  else add(holder, { kind: 'replaced', by: patch });
}

function deploymentOf(outcomes: readonly ChainOutcome[]): Deployment {
  const deployed = outcomes.filter((item) => item.kind === 'deployed');
  if (deployed.length === 0) {
    return {
      kind: 'replaced',
      by: [...new Set(outcomes.flatMap((item) => (item.kind === 'replaced' ? [item.by] : [])))],
    };
  }
  const asWritten = deployed.some(({ renamedBy }) => renamedBy === undefined);
  const renamed: Renamed[] = [];
  for (const { image, renamedBy } of deployed) {
    if (renamedBy === undefined) continue;
    const reference = parseReference(image);
    if (reference instanceof Problem) return { kind: 'invalid', image, by: renamedBy, reason: reference.message };
    renamed.push({ by: renamedBy, reference: withoutDigest(reference) });
  }
  const [first] = renamed;
  if (first === undefined) return asWrittenOf(deployed.map(({ image }) => image));
  const names = new Set(renamed.map(({ reference }) => printReference(reference)));
  if (!asWritten && names.size === 1) return { kind: 'renamed', ...first };
  const distinct = new Map(
    renamed.map((item) => [`${item.by.kustomization.file} ${item.by.index} ${item.reference.text}`, item]),
  );
  return { kind: 'several', asWritten, renamed: [...distinct.values()] };
}

function asWrittenOf(images: readonly string[]): Deployment {
  const [image] = new Set(images).size === 1 ? images : [];
  const reference = image === undefined ? undefined : parseReference(image);
  return { kind: 'as-written', ...(reference !== undefined && !(reference instanceof Problem) && { reference }) };
}
