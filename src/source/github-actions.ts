// GitHub Actions: jobs.*.container, jobs.*.services.*, `uses: docker://…`, and runs.image of a
// container action.
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';
import { deref, get, type Node } from './yaml-node.ts';

declare module '../flow.ts' {
  interface Dialects {
    'github-actions': true;
  }
}

export const githubActions: Reader = {
  names: [/(^|\/)\.(github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, /(^|\/)action\.ya?ml$/],
  hints: [
    { word: 'docker://', key: /docker:\/\// },
    { word: 'container:', key: /container["']?\s{0,64}:/ },
  ],
  unit: 'document',
  nameDecides: true,
  read: readGithubActions,
};

const DOCKER = 'docker://';

function readGithubActions(c: Collector, root: Node): void {
  readDockerUrl(c, get(get(root, 'runs'), 'image'), 'runs.image');
  readSteps(c, get(get(root, 'runs'), 'steps'), 'runs.steps');
  const jobs = get(root, 'jobs');
  if (jobs?.kind !== 'map') return;
  for (const { key, value: job } of jobs.entries) {
    const path = `jobs.${key.value}`;
    readImage(c, get(job, 'container'), `${path}.container`);
    const services = get(job, 'services');
    if (services?.kind === 'map') {
      for (const service of services.entries) readImage(c, service.value, `${path}.services.${service.key.value}`);
    }
    readDockerUrl(c, get(job, 'uses'), `${path}.uses`);
    readSteps(c, get(job, 'steps'), `${path}.steps`);
  }
}

function readSteps(c: Collector, steps: Node | undefined, path: string): void {
  if (steps?.kind !== 'seq') return;
  for (const [index, step] of steps.items.entries()) readDockerUrl(c, get(step, 'uses'), `${path}[${index}].uses`);
}

/** A plain image, or a mapping with `image:`. */
function readImage(c: Collector, given: Node | undefined, path: string): void {
  const node = deref(given);
  const image = node?.kind === 'map' ? get(node, 'image') : node;
  if (image?.kind !== 'scalar' || image.value === '') return;
  const spot = { start: image.start, end: image.end, path: node === image ? path : `${path}.image` };
  c.image(spot, image.value, true, { scalar: image });
}

function readDockerUrl(c: Collector, node: Node | undefined, path: string): void {
  if (node?.kind !== 'scalar' || !node.value.startsWith(DOCKER)) return;
  c.image({ start: node.start + DOCKER.length, end: node.end, path }, node.value.slice(DOCKER.length), true);
}
