// The deployment graph against the real kustomize: trees with bases, overlays and components are generated, and for every root each
// image that kustomize renders must be the one that the graph says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { stepsOf } from '../../src/graph/deploy.ts';
import { joinImage } from '../../src/graph/image-override.ts';
import { type KustomizationFile, readKustomizationFile } from '../../src/graph/kustomization-file.ts';
import { kustomizeChains } from '../../src/graph/kustomize-chains.ts';
import { loadReader } from '../../src/source/yaml.ts';
import { command, scratch, suite, writeTree } from './suite.ts';

await loadReader({ reader: 'events' }); // the generated files are JSON

const D = `sha256:${'a'.repeat(64)}`;
const NAMES = ['redis', 'app', 'host.example:5000/team/app', 'mirror.example/cache/redis', 'controller'];
const name = fc.constantFrom(...NAMES);
const tag = fc.constantFrom('1', 'v2.0', 'latest');
const image = fc
  .tuple(name, fc.option(tag, { nil: undefined }), fc.boolean())
  .map(([n, t, d]) => `${n}${t === undefined ? '' : `:${t}`}${d ? `@${D}` : ''}`);
const override = fc.record({ name, newName: name, newTag: tag, digest: fc.constant(D) }, { requiredKeys: ['name'] });
const images = fc.array(override, { maxLength: 3 });
const tree = fc.record({
  bases: fc.array(fc.record({ containers: fc.array(image, { minLength: 1, maxLength: 3 }), images }), {
    minLength: 1,
    maxLength: 2,
  }),
  components: fc.array(images, { maxLength: 2 }),
  middle: fc.record({ images, components: fc.array(fc.nat(1), { maxLength: 2 }) }),
  overlays: fc.array(fc.record({ images, components: fc.array(fc.nat(1), { maxLength: 1 }), direct: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
  }),
});
type Tree = typeof tree extends fc.Arbitrary<infer T> ? T : never;

/** The files of a tree, by path. */
function filesOf({ bases, components, middle, overlays }: Tree): Map<string, string> {
  const files = new Map<string, string>();
  const kustomization = (folder: string, content: object, kind = 'Kustomization') => {
    const apiVersion = `kustomize.config.k8s.io/v1${kind === 'Component' ? 'alpha1' : 'beta1'}`;
    files.set(`${folder}/kustomization.yaml`, JSON.stringify({ apiVersion, kind, ...content }));
  };
  const unique = (list: readonly number[]) => [...new Set(list)].filter((index) => index < components.length);
  for (const [b, { containers, images: own }] of bases.entries()) {
    kustomization(`base-${b}`, { resources: ['web.yaml'], images: own });
    const list = containers.map((text, i) => ({ name: `c${i}`, image: text }));
    files.set(
      `base-${b}/web.yaml`,
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `web-${b}` }, spec: { containers: list } }),
    );
  }
  for (const [c, own] of components.entries()) kustomization(`component-${c}`, { images: own }, 'Component');
  const uses = (list: readonly number[]) => unique(list).map((index) => `../component-${index}`);
  kustomization('middle', {
    resources: bases.map((_, b) => `../base-${b}`),
    components: uses(middle.components),
    images: middle.images,
  });
  for (const [o, { images: own, components: list, direct }] of overlays.entries())
    kustomization(`overlay-${o}`, {
      resources: direct ? bases.map((_, b) => `../base-${b}`) : ['../middle'],
      components: uses(list),
      images: own,
    });
  return files;
}

suite('kustomize-graph', ['kustomize'], () => {
  test('each image is rendered as the graph says, in every root of generated trees', async () => {
    const root = scratch();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (generated) => {
        const folder = join(root, String(run++));
        const files = filesOf(generated);
        writeTree(folder, files);
        const kustomizations = [...files].flatMap(([path, text]): KustomizationFile[] => {
          const read = path.endsWith('kustomization.yaml') ? readKustomizationFile(text, path) : undefined;
          return read === undefined ? [] : [read];
        });
        const { of } = kustomizeChains(kustomizations);
        for (const [o] of generated.overlays.entries()) {
          const rendered = await command('kustomize', ['build', join(folder, `overlay-${o}`)]);
          const expected = [...files.keys()]
            .filter((path) => path.endsWith('web.yaml'))
            .flatMap((path) => {
              const chain = of.get(path)?.find((list) => list.at(-1)?.file === `overlay-${o}/kustomization.yaml`);
              if (chain === undefined) return [];
              const pod = JSON.parse(readFileSync(join(folder, path), 'utf8')) as {
                spec: { containers: { image: string }[] };
              };
              return pod.spec.containers.map(({ image: text }) => {
                const last = [...stepsOf(text, chain)].at(-1);
                return last === undefined ? text : joinImage(last.image);
              });
            });
          const actual = [...rendered.matchAll(/^\s*-? ?image: (.*)$/gm)].map(([, text]) => text);
          assert.deepEqual(actual.sort(), expected.sort());
        }
      }),
      { numRuns: 60, endOnFailure: false },
    );
  });
});
