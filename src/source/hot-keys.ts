// The keys that a search for images reads, in any mapping of any object: a collection without them holds nothing that walk.ts would
// report. Pure.
import { CATALOGUE, SPLIT } from './fields.ts';
import { get, getText, type Node } from './yaml-node.ts';

/** Beside the keys that end in `mage`, which all fields of images by shape do. */
const HOT = new Set([
  ...SPLIT.flatMap(({ tag, digest }) => [tag, ...digest]),
  ...CATALOGUE.flatMap(({ paths }) => paths.flatMap((path) => hotKeyOf(path) ?? [])),
  'apiVersion', // an object inside another one
  'op', // of a JSON patch
  'patch',
  'patchesStrategicMerge',
]);

/** The last key of a path; for `**.utility_images.*` the one that holds all the fields. undefined where the key ends in `mage`. */
function hotKeyOf(path: string): string | undefined {
  if (path.endsWith('mage')) return undefined;
  const last = path.split('.').findLast((key) => !key.startsWith('*'));
  if (last === undefined || last.includes('*')) throw new Error(`${path} ends in no key to know it by`);
  return last.replace('[]', '');
}

/** For each pair of last bytes the lengths of the keys that end so, as bits; 31 and longer are one. */
const LENGTHS = new Uint32Array(65536);
const endOf = (key: string): number => (key.charCodeAt(key.length - 2) << 8) | key.charCodeAt(key.length - 1);
for (const key of HOT) LENGTHS[endOf(key)]! |= 1 << Math.min(key.length, 31);
LENGTHS[endOf('mage')]! |= -1 << 4;

/** False for nearly every key that is not hot, by its length and the bytes at its end. */
export function mayBeHot(bytes: Uint8Array, start: number, end: number): boolean {
  const lengths = LENGTHS[((bytes[end - 2] as number) << 8) | (bytes[end - 1] as number)] as number;
  return lengths !== 0 && (lengths & (1 << Math.min(end - start, 31))) !== 0;
}

export function isHot(key: string): boolean {
  return key.endsWith('mage') || HOT.has(key);
}

/** Groups of objects that are read by more than their shape, and the key that may make a document a Compose file. */
const WHOLE =
  /^(?:[^/]*\.)?(?:kustomize\.config\.k8s\.io|fluxcd\.io|controlplane\.io|argoproj\.io|image\.openshift\.io)\//;

/** True for a document of which more is read than these keys. */
export function readsMore(root: Node): boolean {
  return WHOLE.test(getText(root, 'apiVersion') ?? '') || get(root, 'services') !== undefined;
}
