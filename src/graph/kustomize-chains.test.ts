// Which kustomizations apply to a file, in which order; and that no tree, however it is built, takes all memory or all time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KustomizationFile } from './kustomization-file.ts';
import { kustomizeChains } from './kustomize-chains.ts';

const node = (folder: string, resources: readonly string[], components: readonly string[] = []): KustomizationFile => ({
  file: `${folder}/kustomization.yaml`,
  resources,
  components,
  patches: [],
  merges: [],
  images: [],
});
const flux = (file: string, path: string, ours: boolean): KustomizationFile => ({
  ...node('x', [path]),
  file,
  flux: { document: 0, entries: 'spec.images', ours },
});
const isOf = (list: readonly KustomizationFile[], file: string, files: readonly string[] = []) =>
  (kustomizeChains(list, files).of.get(file) ?? []).map((chain) => chain.map((item) => item.file.replace(/\/.*/, '')));

const cases: [name: string, list: KustomizationFile[], file: string, chains: string[][]][] = [
  ['a file that nobody takes', [node('a', ['a/x.yaml'])], 'a/y.yaml', []],
  [
    'from the innermost to the root',
    [node('prod', ['base']), node('base', ['base/x.yaml'])],
    'base/x.yaml',
    [['base', 'prod']],
  ],
  [
    'one chain for each overlay',
    [node('a', ['base']), node('b', ['base']), node('base', ['base/x.yaml'])],
    'base/x.yaml',
    [
      ['base', 'a'],
      ['base', 'b'],
    ],
  ],
  [
    'a component applies to what was taken before it',
    [node('a', ['a/x.yaml'], ['c']), node('c', ['c/y.yaml'])],
    'a/x.yaml',
    [['c', 'a']],
  ],
  [
    'a component takes its own resources, too',
    [node('a', ['a/x.yaml'], ['c']), node('c', ['c/y.yaml'])],
    'c/y.yaml',
    [['c', 'a']],
  ],
  [
    'the second component applies to what the first one takes',
    [node('a', [], ['c', 'd']), node('c', ['c/y.yaml']), node('d', [])],
    'c/y.yaml',
    [['c', 'd', 'a']],
  ],
  [
    'an object of Flux takes a folder',
    [flux('cluster/a.yaml', 'base', true), node('base', ['base/x.yaml'])],
    'base/x.yaml',
    [['base', 'cluster']],
  ],
  [
    'one of another repository takes it, and leaves it as it is, too',
    [flux('cluster/a.yaml', 'base', false), node('base', ['base/x.yaml'])],
    'base/x.yaml',
    [['base', 'cluster'], ['base']],
  ],
];
for (const [name, list, file, chains] of cases)
  test(name, () => {
    assert.deepEqual(isOf(list, file), chains);
  });

test('an object of Flux takes the files of a folder without kustomization, and no other folder that begins as it does', () => {
  const list = [flux('cluster/a.yaml', 'apps', true)];
  const files = ['apps/x.yaml', 'apps-old/x.yaml'];
  assert.deepEqual(isOf(list, 'apps/x.yaml', files), [['cluster']]);
  assert.deepEqual(isOf(list, 'apps-old/x.yaml', files), []);
});

test('kustomizations that include each other end, and nobody is taken twice', () => {
  const circle = [node('root', ['a']), node('a', ['b', 'a/x.yaml']), node('b', ['a', 'b/y.yaml'])];
  assert.deepEqual(isOf(circle, 'b/y.yaml'), [['b', 'a', 'root']]);
  assert.equal(kustomizeChains(circle).incomplete, undefined);
});

test('components that include themselves are followed to a bound, and that is said', () => {
  assert.equal(
    kustomizeChains([node('a', ['a/x.yaml'], ['c']), node('c', [], ['c'])]).incomplete,
    'c/kustomization.yaml',
  );
});

test('kustomizations inside each other are followed to a bound, and that is said', () => {
  const row = (count: number) => Array.from({ length: count }, (_, i) => node(`k${i}`, [`k${i + 1}`]));
  assert.equal(kustomizeChains(row(30)).incomplete, undefined);
  assert.equal(kustomizeChains(row(40)).incomplete, 'k33/kustomization.yaml');
});

test('overlays that double each other end at a bound, and that is said', () => {
  const layers = 24;
  const list = Array.from({ length: layers }, (_, i) =>
    ['a', 'b'].map((side) => node(`${side}${i}`, i + 1 === layers ? ['x.yaml'] : [`a${i + 1}`, `b${i + 1}`])),
  ).flat();
  const { of, incomplete } = kustomizeChains(list);
  assert.ok(incomplete);
  assert.ok((of.get('x.yaml')?.length ?? 0) < 1_000_000);
});
