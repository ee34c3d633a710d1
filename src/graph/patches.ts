// Images of containers that the strategic merge patches of a kustomization set. Pure. kustomize, "patches": without a target a patch
// changes the object of its own kind, name and namespace, and lists of containers merge by name.
import type { Found } from '../flow.ts';
import type { KustomizationFile } from './kustomization-file.ts';

/** The file of the patch that sets the image of a container in a kustomization; undefined where none is known to. */
export type PatchOf = (kustomization: KustomizationFile, found: Found) => string | undefined;

/** @param found references of the whole tree, those in patches included */
export function patchedContainers(found: readonly Found[], kustomizations: readonly KustomizationFile[]): PatchOf {
  const byFile = Map.groupBy(found, ({ file }) => file);
  const merged = new Set<Found>();
  const set = new Map<
    KustomizationFile,
    { readonly own: ReadonlySet<string>; readonly by: ReadonlyMap<string, string> }
  >();
  for (const kustomization of kustomizations) {
    const patches = kustomization.merges.flatMap(({ file, place }) =>
      (byFile.get(file) ?? []).filter(({ path }) => place === undefined || path.startsWith(`${place}.`)),
    );
    const keys = patches.flatMap((patch) => containerKeys(patch).map((key) => [key, patch.file] as const));
    const own = new Set([kustomization.file, ...kustomization.patches]);
    if (keys.length > 0) set.set(kustomization, { own, by: new Map(keys) });
    for (const patch of patches) merged.add(patch);
  }
  const inPatches = new Set(kustomizations.flatMap(({ file, patches }) => [file, ...patches]));
  return (kustomization, item) => {
    const patched = set.get(kustomization);
    // Patches of one kustomization do not replace each other here: which of them is last depends on kustomize's version.
    if (patched === undefined || patched.own.has(item.file)) return undefined;
    // A patch with a target changes another object than the one that it names.
    if (inPatches.has(item.file) && !merged.has(item)) return undefined;
    const [key] = containerKeys(item);
    return key === undefined ? undefined : patched.by.get(key);
  };
}

/** What a patch and the container that it changes have in common; empty for what is no container of a named object. */
function containerKeys({ path, object, namespace = '', container }: Found): string[] {
  const [, list] = /(?:^|\.)(containers|initContainers)\[\d+\]\.image$/.exec(path) ?? [];
  if (list === undefined || object === undefined || !object.includes('/') || container === undefined) return [];
  return [[object, namespace, list, container].join('\n')];
}
