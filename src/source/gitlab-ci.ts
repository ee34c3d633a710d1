// GitLab CI: `image:` and `services:` at the top, under default:, and in each job; as text or as a
// mapping with name:.
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';
import { deref, get, type Node } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    'gitlab-ci': true;
  }
}

export const gitlabCi: Reader = {
  names: [/(^|\/)[^/]*\.?gitlab-ci[^/]*\.ya?ml$/],
  hints: [],
  unit: 'document',
  nameDecides: true,
  read: readGitlabCi,
};

/** Top-level keywords that are not names of jobs. */
const NO_JOB = new Set(['image', 'services', 'stages', 'variables', 'include', 'workflow', 'spec']);

function readGitlabCi(c: Collector, root: Node): void {
  if (root.kind !== 'map') return;
  readSection(c, root, '');
  for (const { key, value } of root.entries) {
    if (!NO_JOB.has(key.value)) readSection(c, value, `${key.value}.`);
  }
}

function readSection(c: Collector, section: Node, path: string): void {
  readImage(c, get(section, 'image'), `${path}image`);
  const services = get(section, 'services');
  if (services?.kind !== 'seq') return;
  for (const [index, service] of services.items.entries()) readImage(c, service, `${path}services[${index}]`);
}

function readImage(c: Collector, given: Node | undefined, path: string): void {
  const node = deref(given);
  const image = node?.kind === 'map' ? get(node, 'name') : node;
  if (image?.kind !== 'scalar' || image.value === '') return;
  const spot = { start: image.start, end: image.end, path: node === image ? path : `${path}.name` };
  c.image(spot, image.value, true, { scalar: image });
}
