// kustomization.yaml: the `images:` list, whose entries override name, tag and digest of images in
// the resources.
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, notLiteral, spotOfValue } from './collector.ts';
import type { Reader } from './reader.ts';
import { renameSlot, splitSlot } from './slot.ts';
import { walkDocument } from './walk.ts';
import { deref, get, type MapNode, type Node } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    kustomize: true;
  }
}

export const kustomize: Reader = {
  names: [/(^|\/)(kustomization\.ya?ml|Kustomization)$/],
  hints: [],
  unit: 'document',
  claims: ({ named, apiVersion }) =>
    named === 'kustomize' || (apiVersion?.startsWith('kustomize.config.k8s.io/') ?? false),
  read: (c, root, options) => {
    readKustomization(c, root);
    walkDocument(c, root, options, false); // patches that are written inside the file
  },
};

/**
 * kustomize takes `newTag` and `digest` together: since v5 it writes name:tag@digest, older
 * versions take the digest only.
 */
function readKustomization(c: Collector, root: Node): void {
  if (root.kind === 'map') readOverrides(c, get(root, 'images'), 'images');
}

/** kustomize applies a suffix once or twice, by the kind of the object: `1-alpine-alpine` in a Pod. */
const SUFFIXED = 'tagSuffix makes another tag of each one that it meets: give newTag here, which can be pinned';

/** The entries of an `images:` list, here or in an object that takes kustomize's form. */
export function readOverrides(c: Collector, images: Node | undefined, path: string): void {
  const list = deref(images);
  if (list?.kind !== 'seq') return;
  for (const [index, item] of list.items.entries()) {
    if (item.kind === 'map') readEntry(c, item, `${path}[${index}]`);
  }
}

function readEntry(c: Collector, map: MapNode, path: string): void {
  const find = (key: string) => map.entries.find((entry) => entry.key.value === key);
  const text = (key: string) => {
    const value = deref(find(key)?.value);
    return value?.kind === 'scalar' ? value.value : undefined;
  };
  const newName = text('newName') ? find('newName') : undefined;
  const named = newName === undefined ? 'name' : 'newName';
  const name = text(named);
  const value = deref(find(named)?.value);
  if (name === undefined || name === '' || value?.kind !== 'scalar') return;
  const spot = spotOfValue(c.text, { start: value.start, end: value.end, path: `${path}.${named}` }, name);
  const tag = text('newTag') ?? '';
  const digest = text('digest') ?? '';
  const suffixed = (text('tagSuffix') ?? '') !== '';
  const expression = notLiteral(`${name}${tag}`);
  if (expression) return c.skip(spot, name, expression.reason, expression.detail);
  if (tag === '' && digest === '') {
    const rename = newName === undefined ? undefined : renameSlot(c.text, map, newName, find('digest'));
    const slot = suffixed ? { blocked: SUFFIXED } : rename;
    const what = suffixed ? 'only adds a suffix' : 'only renames the image';
    return c.skip({ ...spot, slot }, name, 'incomplete', `${what}; the tag comes from the resources`);
  }
  const suffix = digest === '' || tag.includes('@') ? '' : `@${digest}`;
  const reference = parseReference(`${name}${tag === '' ? '' : `:${tag}`}${suffix}`);
  if (reference instanceof Problem) {
    // Without newName it is only a name that kustomize looks for; an image with it is reported at its own place.
    const searched = newName === undefined && parseReference(name) instanceof Problem;
    return searched
      ? c.skip(spot, name, 'pattern', 'the name that kustomize replaces; it is no image itself')
      : c.invalid(spot, name, reference.message);
  }
  const [tagEntry, digestEntry] = [find('newTag'), find('digest')];
  const slot =
    newName !== undefined && tag === ''
      ? renameSlot(c.text, map, newName, digestEntry)
      : splitSlot(c.text, { map, tag: tagEntry, digest: digestEntry, style: undefined, takesDigestKey: true });
  c.reference(spot, reference, slot);
}
