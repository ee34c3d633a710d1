// Reads images from a YAML tree by shape: container lists, image keys, images in parts, fields of
// the catalogue and of the user, and documents inside block scalars. Kubernetes objects, Helm
// values and other YAML differ only in the Context. Pure.
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, type Spot, spotOfValue } from './collector.ts';
import { hiddenImage, readEmbedded } from './embedded.ts';
import { BUILDS, CONTAINER_KEYS, CONTAINER_LISTS, SCHEMA_KEYS, SCHEMA_KINDS } from './fields.ts';
import { GLOBAL_REGISTRY_KEYS, type GlobalRegistry } from './overlay.ts';
import type { WalkOptions } from './reader.ts';
import { fieldRules, givenRules, matchesField } from './rules.ts';
import { readSplit } from './split.ts';
import { deref, get, getText, type MapNode, type Node, type ScalarNode } from './yaml-node.ts';

/** What is known about the mapping that is read. */
type Context = {
  readonly options: WalkOptions;
  /** Field patterns that apply to the object around, as path segments joined by `/`. */
  readonly rules: readonly string[];
  /** Of them: those of tagproof.yaml. */
  readonly named: readonly string[];
  /** Values of a chart: any repository + tag is an image there. */
  readonly values: boolean;
  /** Inside a list of containers. */
  readonly container: boolean;
  /** How many documents are around this one. */
  readonly nesting: number;
  /** How many aliases were followed to get here: an anchor may contain itself. */
  readonly aliases: number;
};

const MAX_NESTING = 8;
const MAX_ALIASES = 3;
/** A copy of the object, which the server keeps. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const IMAGE_KEY = /^(?:image|[\w-]*[a-z0-9_-]Image|[\w-]*_image|[\w-]+-image)$/;

/** Reads the tree of one document. */
export function walkDocument(collector: Collector, root: Node, options: WalkOptions, values: boolean): void {
  collector.talos = isTalosConfig(root);
  if (values) collector.globalRegistry ??= globalRegistryIn(root);
  const rules = fieldRules(options.fields, undefined, undefined);
  walk(collector, root, [], { options, rules, named: rules, values, container: false, nesting: 0, aliases: 0 });
}

/** @param values root of a chart's values, here or in a HelmRelease */
export function globalRegistryIn(values: Node | undefined): GlobalRegistry | undefined {
  for (const key of GLOBAL_REGISTRY_KEYS) {
    const node = key.split('.').reduce<Node | undefined>((at, part) => get(at, part), values);
    if (node?.kind === 'scalar' && node.value !== '' && !/^(?:~|null)$/.test(node.value))
      return { key, registry: node.value };
  }
  return undefined;
}

function walk(c: Collector, node: Node, path: string[], context: Context): void {
  if (node.kind === 'seq') {
    for (const [index, item] of node.items.entries()) {
      const itemPath = [...path, `[${index}]`];
      if (item.kind === 'scalar') walkScalar(c, item, { key: undefined, path: itemPath, sure: false }, context);
      else walk(c, item, itemPath, context);
    }
  } else if (node.kind === 'map') {
    walkMap(c, node, path, context);
  } else if (node.kind === 'alias' && context.container && node.target !== undefined && context.aliases < MAX_ALIASES) {
    // The value of an alias is read at its anchor. But only here, in a list of containers, is it
    // known to be a container.
    walk(c, node.target, path, { ...context, aliases: context.aliases + 1 });
  }
}

function walkMap(c: Collector, map: MapNode, path: string[], outer: Context): void {
  const kind = getText(map, 'kind');
  const apiVersion = kind === undefined ? undefined : getText(map, 'apiVersion');
  if (kind === undefined || apiVersion === undefined) return walkEntries(c, map, path, outer);

  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] as string) : '';
  if (SCHEMA_KINDS.has(kind)) {
    return c.skip(
      { start: map.start, end: map.start, path: show(path) },
      kind,
      'schema',
      `a ${kind} describes objects; it runs no image`,
    );
  }
  if (BUILDS.has(group)) {
    return c.skip(
      { start: map.start, end: map.start, path: show(path) },
      kind,
      'stage',
      `${group} names images that are built, not pulled`,
    );
  }
  const { object, namespace, custom } = c;
  const metadata = map.entries.find((entry) => entry.key.value === 'metadata')?.value;
  const name = getText(metadata, 'name') ?? getText(metadata, 'generateName');
  if (!kind.endsWith('List')) {
    c.object = name === undefined ? kind : `${kind}/${name}`;
    c.namespace = getText(metadata, 'namespace');
    c.custom = isCustom(group);
  }
  if (c.dialect === 'yaml') c.dialect = 'kubernetes';
  walkEntries(c, map, path, {
    ...outer,
    rules: fieldRules(outer.options.fields, group, kind),
    named: givenRules(outer.options.fields, group, kind),
    values: false,
    container: false,
  });
  c.object = object;
  c.namespace = namespace;
  c.custom = custom;
}

/** Groups of Kubernetes itself have no dot, or end in `.k8s.io`. */
const isCustom = (group: string): boolean => group.includes('.') && !/(?:^|\.)k8s\.io$/.test(group);

function walkEntries(c: Collector, map: MapNode, path: string[], context: Context): void {
  const consumed = readSplit(c, map, { parent: path.at(-1) ?? '', path: show(path), values: context.values }) ?? [];
  const container = context.container || map.entries.some((entry) => CONTAINER_KEYS.has(entry.key.value));
  const patch = patchesImage(map);
  const outerContainer = c.container;
  if (container) c.container = getText(map, 'name');
  for (const entry of map.entries) {
    if (consumed.includes(entry)) continue;
    const key = entry.key.value;
    if (SCHEMA_KEYS.has(key)) continue;
    const value = entry.value;
    const target = value.kind === 'alias' ? deref(value) : value;
    if (target?.kind === 'scalar') {
      const sure = (key === 'image' && container) || (patch && key === 'value');
      walkScalar(c, target, { key, path: [...path, key], sure }, context);
    } else if (value.kind === 'map' && key === 'image' && c.text.startsWith('{{', value.start)) {
      const end = c.text.indexOf('}}', value.start) + 2;
      c.skip(
        { start: value.start, end, path: show([...path, key]) },
        c.text.slice(value.start, end),
        'template',
        'exists only after the template is rendered',
      );
    } else if (CONTAINER_LISTS.has(key) ? target?.kind === 'seq' : key === '<<' && container) {
      walk(c, value, [...path, key], { ...context, container: true });
    } else if (key === 'volumes' && value.kind === 'seq') {
      walkVolumes(c, value.items, [...path, key], context);
    } else {
      walk(c, value, [...path, key], context.container ? { ...context, container: false } : context);
    }
  }
  c.container = outerContainer;
}

/** volumes[].image.reference: image volumes, KEP-4639. */
function walkVolumes(c: Collector, volumes: Node[], path: string[], context: Context): void {
  for (const [index, volume] of volumes.entries()) {
    const image =
      volume.kind === 'map' ? volume.entries.find((entry) => entry.key.value === 'image')?.value : undefined;
    const reference =
      image?.kind === 'map' ? image.entries.find((entry) => entry.key.value === 'reference')?.value : undefined;
    const target = deref(reference);
    if (target?.kind === 'scalar') emit(c, target, [...path, `[${index}]`, 'image', 'reference'], { sure: true });
    else walk(c, volume, [...path, `[${index}]`], context);
  }
}

/**
 * The field of a scalar: its key, if it has one, its path, and whether it certainly holds an image.
 */
type Field = { readonly key: string | undefined; readonly path: string[]; readonly sure: boolean };

function walkScalar(c: Collector, scalar: ScalarNode, { key, path, sure }: Field, context: Context): void {
  if (sure || (context.rules.length > 0 && matchesField(path, context.rules)))
    return emit(c, scalar, path, {
      sure: true,
      named: context.named.length > 0 && matchesField(path, context.named),
    });
  if (key !== undefined && IMAGE_KEY.test(key)) return emit(c, scalar, path, { sure: false });
  if ((scalar.style === 'literal' || isPlainPatch(c, scalar, path)) && /image/i.test(scalar.value)) {
    if (context.nesting >= MAX_NESTING) return skipHidden(c, scalar, path, `is inside ${MAX_NESTING} other documents`);
    const inner = {
      ...context,
      container: false,
      nesting: context.nesting + 1,
      rules: fieldRules(context.options.fields, undefined, undefined),
      named: givenRules(context.options.fields, undefined, undefined),
    };
    return readEmbedded(c, scalar, show(path), (root) => walk(c, root, [...path, '|'], inner));
  }
  if (scalar.style !== 'plain' && scalar.style !== 'literal')
    skipHidden(c, scalar, path, 'is written in quotes or folded: write it as a block (|)');
  if (context.options.argsAndEnv && inArgsOrEnv(path)) readArgument(c, scalar, path);
}

/** `sure`: the field certainly holds an image; `named`: tagproof.yaml names it. */
type Certainty = { readonly sure: boolean; readonly named?: boolean };

function emit(c: Collector, scalar: ScalarNode, path: string[], { sure, named = false }: Certainty): void {
  // Other white space is part of the name, and makes it none.
  const value = scalar.value.replace(/^[ \t\r\n]+/, '').replace(/[ \t\r\n]+$/, '');
  if (value === '') return;
  if (c.talos && !named) {
    const detail =
      'a Talos machine configuration: Talos reads the version from the tag; name the field in find.fields to pin it';
    return c.skip(spotOf(c, scalar, value, path), value, 'ignored', detail);
  }
  // P30: what completes it is known to the controller only, and `latest` would be another image.
  const completed = c.custom && !named && !isPodField(path);
  c.image(spotOf(c, scalar, value, path), value, sure, { completed, scalar });
}

/** A document in a text that is not read: its first image is named, so that it is not passed over in silence. */
function skipHidden(c: Collector, scalar: ScalarNode, path: string[], why: string): void {
  const image = hiddenImage(scalar.value);
  if (image === undefined || path.at(-1) === LAST_APPLIED) return;
  const spot = { start: scalar.start, end: scalar.end, path: show([...path, '|', 'image']) };
  c.skip(spot, image, 'uncertain', `the document around it ${why}`);
}

/** P37: Talos, configuration reference, v1alpha1.Config. */
function isTalosConfig(root: Node): boolean {
  return (
    getText(root, 'version') === 'v1alpha1' &&
    get(root, 'machine')?.kind === 'map' &&
    get(root, 'apiVersion') === undefined
  );
}

/** An image of a pod: kubelets complete it with `latest`, whatever object the pod is part of. */
function isPodField(path: readonly string[]): boolean {
  const [list, item, field] = path.slice(-3);
  if (field === 'reference') return true;
  return item?.startsWith('[') === true
    ? CONTAINER_LISTS.has(list ?? '')
    : ['container', 'script', 'stepTemplate'].includes(item ?? '');
}

const spotOf = (c: Collector, { start, end }: ScalarNode, value: string, path: string[]): Spot =>
  spotOfValue(c.text, { start, end, path: show(path) }, value);

/** A patch of a kustomization that is written in quotes, on one line and without escapes: its offsets are those of the file. */
function isPlainPatch(c: Collector, scalar: ScalarNode, path: readonly string[]): boolean {
  const isPatch = path.at(-1) === 'patch' || path.at(-2) === 'patchesStrategicMerge';
  return isPatch && c.text.slice(scalar.start, scalar.end) === scalar.value && !scalar.value.includes('\n');
}

/** A JSON patch operation (RFC 6902) that sets an image. */
function patchesImage(map: MapNode): boolean {
  return getText(map, 'op') !== undefined && /\/image$/.test(getText(map, 'path') ?? '');
}

// --- arguments and environment, by opt-in ---

function inArgsOrEnv(path: string[]): boolean {
  const parent = path.at(-2);
  if (parent === 'args' || parent === 'command') return true;
  return path.at(-1) === 'value' && path.at(-3) === 'env';
}

/**
 * `quay.io/x/y:1` or `--sidecar=quay.io/x/y:1`: a path with a tag or digest. Anything else is just
 * a word.
 */
function readArgument(c: Collector, scalar: ScalarNode, path: string[]): void {
  const candidate = /^(?:-{0,2}[\w.-]+=)?(.+)$/.exec(scalar.value)?.[1];
  if (candidate === undefined) return;
  const reference = parseReference(candidate);
  if (reference instanceof Problem || !reference.name.includes('/')) return;
  if (reference.tag === undefined && reference.digest === undefined) return;
  c.image(spotOf(c, scalar, candidate, path), candidate, false);
}

/** `spec.template.spec.containers[0].image` */
function show(path: string[]): string {
  return path.reduce((shown, part) => (shown === '' || part.startsWith('[') ? shown + part : `${shown}.${part}`), '');
}
