// Compose files: services.*.image. compose-spec, 05-services.md, `image`.
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';
import { walkDocument } from './walk.ts';
import { deref, get, getText, type Node } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    compose: true;
  }
}

export const compose: Reader = {
  names: [/(^|\/)(docker-)?compose([.-][^/]*)?\.ya?ml$/],
  hints: [],
  unit: 'document',
  claims: ({ root, named, isObject }) => (named === 'compose' || named === 'yaml') && !isObject && isCompose(root),
  // A file of this name without services (an override, a fragment) is read by shape.
  read: (c, root, options) => (isCompose(root) ? readCompose(c, root) : walkDocument(c, root, options, false)),
};

/** True for a document with the shape of a Compose file, whatever the file's name. */
function isCompose(root: Node): boolean {
  if (root.kind !== 'map' || get(root, 'apiVersion') || get(root, 'kind')) return false;
  const services = get(root, 'services');
  return (
    services?.kind === 'map' &&
    services.entries.some(({ value }) => get(value, 'image') !== undefined || get(value, 'build') !== undefined) &&
    services.entries.every(({ value }) => deref(value)?.kind === 'map')
  );
}

function readCompose(c: Collector, root: Node): void {
  const services = get(root, 'services');
  if (services?.kind !== 'map') return;
  for (const { key, value } of services.entries) {
    const image = get(value, 'image');
    if (image?.kind !== 'scalar' || image.value === '') continue;
    const spot = { start: image.start, end: image.end, path: `services.${key.value}.image` };
    if (get(value, 'build') !== undefined && getText(value, 'pull_policy') !== 'always') {
      c.skip(spot, image.value, 'stage', 'the service has a build: section, and image: names its result');
    } else {
      c.image(spot, image.value, true, { scalar: image });
    }
  }
}
