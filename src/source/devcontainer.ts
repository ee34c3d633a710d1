// Development containers: the image that the container is made from. What `build:` names is a Dockerfile or a Compose file of the tree,
// which its own dialect reads. https://containers.dev/implementors/json_reference/
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';
import { deref, get, type Node } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    devcontainer: true;
  }
}

export const devcontainer: Reader = {
  names: [/(^|\/)\.?devcontainer\.jsonc?$/],
  hints: [],
  unit: 'document',
  nameDecides: true,
  read: readDevcontainer,
};

function readDevcontainer(c: Collector, root: Node): void {
  const image = deref(get(root, 'image'));
  if (image?.kind !== 'scalar') return;
  c.image({ start: image.start, end: image.end, path: 'image' }, image.value, true);
}
