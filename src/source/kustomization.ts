// kustomization.yaml: the `images:` list, whose entries override name, tag and digest of images in
// the resources.
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, notLiteral } from './collector.ts';
import type { Reader } from './reader.ts';
import { splitSlot } from './slot.ts';
import { walkDocument } from './walk.ts';
import { deref, type MapNode, type Node } from './yaml-node.ts';

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
  if (root.kind !== 'map') return;
  const images = deref(root.entries.find((entry) => entry.key.value === 'images')?.value);
  if (images?.kind !== 'seq') return;
  for (const [index, item] of images.items.entries()) {
    if (item.kind === 'map') readEntry(c, item, `images[${index}]`);
  }
}

function readEntry(c: Collector, map: MapNode, path: string): void {
  const find = (key: string) => map.entries.find((entry) => entry.key.value === key);
  const text = (key: string) => {
    const value = deref(find(key)?.value);
    return value?.kind === 'scalar' ? value.value : undefined;
  };
  const named = text('newName') ? 'newName' : 'name';
  const name = text(named);
  const value = deref(find(named)?.value);
  if (name === undefined || name === '' || value?.kind !== 'scalar') return;
  const spot = { start: value.start, end: value.end, path: `${path}.${named}` };
  const tag = text('newTag') ?? '';
  const digest = text('digest') ?? '';
  const expression = notLiteral(`${name}${tag}`);
  if (expression) return c.skip(spot, name, expression.reason, expression.detail);
  if (tag === '' && digest === '') {
    return c.skip(spot, name, 'incomplete', 'renames the image only; its tag is in the resources, and is pinned there');
  }
  const suffix = digest === '' || tag.includes('@') ? '' : `@${digest}`;
  const reference = parseReference(`${name}${tag === '' ? '' : `:${tag}`}${suffix}`);
  if (reference instanceof Problem) return c.skip(spot, name, 'invalid', reference.message);
  const tagEntry = find('newTag');
  c.reference(
    spot,
    reference,
    splitSlot(c.text, { map, tag: tagEntry, digest: find('digest'), style: undefined, takesDigestKey: true }),
  );
}
