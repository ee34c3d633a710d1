// What a kustomization takes and overrides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadReader } from '../source/yaml.ts';
import { isKustomizationFile, readKustomizationFile } from './kustomization-file.ts';

await loadReader({ reader: 'events' });

const D = `sha256:${'d'.repeat(64)}`;
const read = (text: string, file = 'apps/web/kustomization.yaml') => readKustomizationFile(text, file);

test('names of the file', () => {
  const names = [
    'kustomization.yaml',
    'a/kustomization.yml',
    'Kustomization',
    'kustomizations.yaml',
    'kustomization.json',
  ];
  assert.deepEqual(names.filter(isKustomizationFile), names.slice(0, 3));
});

test('resources, bases, components and patches: paths from its folder, remote ones left out', () => {
  const text = `resources:
- web.yaml
- ../base
- https://example.com/a.yaml
- git@example.com:org/repo
- github.com/org/repo//path
- ssh://git@example.com/org/repo
- host/org/repo?ref=v1
bases: [../old]
components: [../../components/a]
patches:
- path: patch.yaml
- patch: "[{op: replace}]"
- path: patch.yaml
  target: {kind: Pod}
patchesJson6902:
- path: json.yaml
patchesStrategicMerge:
- merge.yaml
- |
  kind: Deployment
`;
  assert.deepEqual(read(text), {
    file: 'apps/web/kustomization.yaml',
    resources: ['apps/web/web.yaml', 'apps/base', 'apps/old'],
    components: ['components/a'],
    patches: ['apps/web/patch.yaml', 'apps/web/patch.yaml', 'apps/web/json.yaml', 'apps/web/merge.yaml'],
    merges: [
      { file: 'apps/web/patch.yaml' },
      { file: 'apps/web/kustomization.yaml', place: 'patches[1].patch' },
      { file: 'apps/web/merge.yaml' },
      { file: 'apps/web/kustomization.yaml', place: 'patchesStrategicMerge[1]' },
    ],
    images: [],
  });
});

test('overrides: each field that is set, with the index that it has in the list', () => {
  const text = `images:
- {name: a, newName: b}
- {newTag: "1"}
- {name: c, newTag: "1.10", digest: "${D}", tagSuffix: -x}
- {name: d, newName: "", newTag: ""}
`;
  assert.deepEqual(read(text)?.images, [
    { index: 0, name: 'a', newName: 'b' },
    { index: 2, name: 'c', newTag: '1.10', digest: D, tagSuffix: '-x' },
    { index: 3, name: 'd' },
  ]);
});

test('an entry behind an anchor is read, and what is no kustomization is none', () => {
  assert.deepEqual(read('x: &x {name: a, newTag: "1"}\nimages: [*x]\n')?.images, [
    { index: 0, name: 'a', newTag: '1' },
  ]);
  for (const text of ['', '- a\n', 'text\n', '# only a comment\n']) assert.equal(read(text), undefined, text);
});
