// CircleCI: `docker:` lists of jobs and executors, also of inline orbs. The image of a `machine:`
// is a virtual machine. https://circleci.com/docs/configuration-reference/, sections docker and
// machine.
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';
import { get, type Node, type ScalarNode } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    circleci: true;
  }
}

export const circleci: Reader = {
  names: [/(^|\/)\.circleci\/[^/]+\.ya?ml$/],
  hints: [{ word: 'mage', key: /mage[\w-]{0,64}["']?\s{0,64}:|\/image\b/ }],
  unit: 'document',
  nameDecides: true,
  read: readCircleci,
};

function readCircleci(c: Collector, root: Node): void {
  readConfig(c, root, '');
  const orbs = get(root, 'orbs');
  if (orbs?.kind !== 'map') return;
  for (const { key, value } of orbs.entries) readConfig(c, value, `orbs.${key.value}.`);
}

function readConfig(c: Collector, config: Node, path: string): void {
  for (const section of ['executors', 'jobs']) {
    const entries = get(config, section);
    if (entries?.kind !== 'map') continue;
    for (const { key, value } of entries.entries) readEnvironment(c, value, `${path}${section}.${key.value}`);
  }
}

/** A job and an executor say in the same words where their steps run. */
function readEnvironment(c: Collector, node: Node, path: string): void {
  const machine = get(get(node, 'machine'), 'image');
  if (machine?.kind === 'scalar' && machine.value !== '') {
    const detail = 'the image of a virtual machine of CircleCI, which is no container image and has no digest';
    c.skip(spotOf(machine, `${path}.machine.image`), machine.value, 'stage', detail);
  }
  const docker = get(node, 'docker');
  if (docker?.kind !== 'seq') return;
  for (const [index, item] of docker.items.entries()) {
    const image = get(item, 'image');
    if (image?.kind !== 'scalar' || image.value === '') continue;
    const spot = spotOf(image, `${path}.docker[${index}].image`);
    // `<< parameters.tag >>` and `<< pipeline.… >>`
    if (image.value.includes('<<'))
      c.skip(spot, image.value, 'template', 'exists only after CircleCI fills in the parameter');
    else c.image(spot, image.value, true, { scalar: image });
  }
}

const spotOf = ({ start, end }: ScalarNode, path: string) => ({ start, end, path });
