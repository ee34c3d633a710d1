// A kustomization as a node of the deployment graph: which files and folders it takes, and which images it overrides. Pure.
// kustomize api, types/kustomization.go.
import { posix } from 'node:path';
import type { Overlay } from '../source/overlay.ts';
import { parseYaml, splitDocuments } from '../source/yaml.ts';
import { deref, get, getText, type Node } from '../source/yaml-node.ts';
import type { ImageOverride } from './image-override.ts';

export type KustomizationFile = {
  /** Path as it is shown. */
  readonly file: string;
  /** Of an object of Flux, which applies a folder as an overlay does: its document, and where its `images:` are. */
  readonly flux?: { readonly document: number; readonly entries: string; readonly ours: boolean };
  /** Files and folders of `resources:` and `bases:`, normalized like `file`; remote ones are left out. */
  readonly resources: readonly string[];
  readonly components: readonly string[];
  /** Files of patches. */
  readonly patches: readonly string[];
  /** Strategic merge patches without a target: files, or places in this file (`patches[1].patch`). */
  readonly merges: readonly { readonly file: string; readonly place?: string }[];
  readonly images: readonly (ImageOverride & { readonly index: number })[];
};

const NAMES = new Set(['kustomization.yaml', 'kustomization.yml', 'Kustomization']);

export const isKustomizationFile = (file: string): boolean => NAMES.has(posix.basename(file));

/** @throws SyntaxProblem for text that is no YAML */
export function readKustomizationFile(text: string, file: string): KustomizationFile | undefined {
  const [first] = splitDocuments(text)
    .map(([start, end]) => parseYaml(text, start, end))
    .filter((node) => node !== undefined);
  if (first?.kind !== 'map') return undefined;
  const folder = posix.dirname(file);
  const local = (path: string) => posix.join(folder, path);
  const paths = (key: string) => strings(get(first, key)).filter(isLocal).map(local);
  const merging = items(get(first, 'patches')).flatMap((patch, index): KustomizationFile['merges'] => {
    if (get(patch, 'target') !== undefined) return [];
    const path = getText(patch, 'path') ?? '';
    return [path === '' ? { file, place: `patches[${index}].patch` } : { file: local(path) }];
  });
  const merges = strings(get(first, 'patchesStrategicMerge')).map((text, index) =>
    text.includes('\n') ? { file, place: `patchesStrategicMerge[${index}]` } : { file: local(text) },
  );
  const patches = [...items(get(first, 'patches')), ...items(get(first, 'patchesJson6902'))]
    .map((patch) => getText(patch, 'path'))
    .filter((path) => path !== undefined && path !== '')
    .map((path) => local(path as string));
  return {
    file,
    resources: [...paths('resources'), ...paths('bases')],
    components: paths('components'),
    patches: [...patches, ...merges.filter(({ place }) => place === undefined).map((merge) => merge.file)],
    merges: [...merging, ...merges],
    images: items(get(first, 'images')).flatMap((item, index) => overrideOf(item, index)),
  };
}

function overrideOf(item: Node, index: number): KustomizationFile['images'] {
  const name = getText(item, 'name') ?? '';
  if (name === '') return [];
  const fields = (['newName', 'newTag', 'digest', 'tagSuffix'] as const).flatMap((key) => {
    const value = getText(item, key) ?? '';
    return value === '' ? [] : [[key, value] as const];
  });
  return [{ index, name, ...Object.fromEntries(fields) }];
}

/** Git URLs, `host/org/repo//path?ref=…` and `https://…`: not in this tree. */
const isLocal = (path: string): boolean => !/^[a-z+]+:\/\/|^git@|\?ref=|^github\.com\//.test(path);

const items = (node: Node | undefined): readonly Node[] => {
  const list = deref(node);
  return list?.kind === 'seq' ? list.items.map((item) => deref(item) ?? item) : [];
};

const strings = (node: Node | undefined): string[] =>
  items(node).flatMap((item) => (item.kind === 'scalar' && item.value !== '' ? [item.value] : []));

/**
 * A Flux Kustomization as the overlay that it is: it applies the folder `spec.path` of its source and overrides images as
 * kustomize does. The folder counts where this tree has it. kustomize.toolkit.fluxcd.io/v1, "Path", "Images".
 * @param file as named from the top of the repository, where `spec.path` begins
 */
export function fluxOverlay(declared: Overlay, file: string): KustomizationFile {
  const path = posix.join('.', declared.path);
  return {
    file,
    flux: { document: declared.document, entries: declared.entries, ours: declared.ours },
    resources: [path],
    components: declared.components.map((component) => posix.join(path, component)),
    patches: [],
    merges: [],
    images: declared.images.map((image, index) => ({ ...image, index })),
  };
}
