// The deployment graph where kustomizations are not all: objects of Flux, patches, init containers, digests that are there, bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { D, deployed, kustomization, pod } from '../../test/deployed-tree.ts';
import type { Found } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import { findIn } from '../source/find.ts';
import { type KustomizationFile, readKustomizationFile } from './kustomization-file.ts';
import { deployTree } from './tree.ts';

const cases: [name: string, files: Record<string, string>, result: string[]][] = [];
cases.push(
  [
    'an overlay overrides init containers as well',
    {
      'base/web.yaml': pod('app:1').replace('containers:', 'initContainers:'),
      'base/kustomization.yaml': kustomization('web.yaml', '- {name: app, newTag: "2"}\n'),
    },
    ['base/web.yaml: incomplete app:1', 'base/kustomization.yaml: docker.io/library/app:2'],
  ],
  [
    'an overlay overrides what a JSON patch sets',
    {
      'base/web.yaml': pod('app:1'),
      'base/patch.json.yaml': '- op: replace\n  path: /spec/containers/0/image\n  value: other:1\n',
      'base/kustomization.yaml': `resources: [web.yaml]\npatches:\n- path: patch.json.yaml\n  target: {kind: Pod}\nimages:\n- {name: other, newTag: "2"}\n`,
    },
    [
      'base/web.yaml: docker.io/library/app:1',
      'base/patch.json.yaml: incomplete other:1',
      'base/kustomization.yaml: docker.io/library/other:2',
    ],
  ],
  [
    'two documents of a file, one of which an overlay replaces',
    {
      'base/web.yaml': `${pod('app:1')}---\n${pod('redis:7')}`,
      'base/kustomization.yaml': kustomization('web.yaml', '- {name: redis, newTag: "8"}\n'),
    },
    [
      'base/web.yaml: docker.io/library/app:1',
      'base/web.yaml: incomplete redis:7',
      'base/kustomization.yaml: docker.io/library/redis:8',
    ],
  ],
);
const flux = (name: string, path: string, images: string, source = 'flux-system') =>
  `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: ${name}}\nspec:\n  sourceRef: {kind: GitRepository, name: ${source}}\n  path: ${path}\n${images}`;
cases.push(
  [
    'P19 an object of Flux renames the images of its folder',
    {
      'apps/web/web.yaml': pod('redis:7'),
      'apps/web/kustomization.yaml': kustomization('web.yaml', '[]'),
      'clusters/a.yaml': flux('web', './apps/web', '  images:\n  - name: redis\n    newName: m.example.com/redis\n'),
    },
    ['apps/web/web.yaml: m.example.com/redis:7', 'clusters/a.yaml: incomplete m.example.com/redis'],
  ],
  [
    'P19 two clusters deploy one folder, one of them renames: both places decide',
    {
      'apps/web/web.yaml': pod('redis:7'),
      'clusters/a.yaml': flux('web', './apps/web', '  images:\n  - name: redis\n    newName: m.example.com/redis\n'),
      'clusters/b.yaml': flux('web', './apps/web', ''),
    },
    ['apps/web/web.yaml: docker.io/library/redis:7', 'clusters/a.yaml: m.example.com/redis:7'],
  ],
  [
    'P19 an object of Flux gives the tag, in the second document of its file',
    {
      'apps/web/web.yaml': pod('app'),
      'clusters/a.yaml': `${flux('other', './apps/other', '')}---\n${flux('web', './apps/web', '  images:\n  - name: app\n    newTag: v2\n')}`,
    },
    ['apps/web/web.yaml: incomplete app', 'clusters/a.yaml: docker.io/library/app:v2'],
  ],
);
cases.push([
  'P19 an object of Flux with another source may mean another repository: what it names is deployed as it is, too',
  {
    'apps/web/web.yaml': pod('app:1'),
    'clusters/a.yaml': flux('web', './apps/web', '  images:\n  - name: app\n    newTag: v2\n', 'elsewhere'),
  },
  ['apps/web/web.yaml: docker.io/library/app:1', 'clusters/a.yaml: docker.io/library/app:v2'],
]);
for (const [name, files, result] of cases)
  test(name, async () => {
    assert.deepEqual(await deployed(files), result);
  });

test('more overlays than are followed: nothing is written where they may decide, and each such file says so', async () => {
  const files: Record<string, string> = { 'base/web.yaml': pod('app:1'), 'k0.yaml': 'a: 1\n' };
  for (let i = 0; i < 40; i++)
    files[`k${i}/kustomization.yaml`] = kustomization(i === 39 ? '../base/web.yaml' : `../k${i + 1}`, '[]');
  assert.deepEqual(await deployed(files), [
    'base/web.yaml: blocked more overlays than tagproof follows, at k33/kustomization.yaml: what they make of the images is not known',
    'base/web.yaml: limit',
  ]);
});

test('a digest in a base is kept where an overlay gives the image a new name', async () => {
  const file = 'base/kustomization.yaml';
  const text = kustomization('web.yaml', '- {name: app, newName: m.example.com/app}\n');
  const base = await findIn(pod(`app:1@${D}`), 'base/web.yaml', { fields: [], argsAndEnv: false });
  const [web] = deployTree([base], [readKustomizationFile(text, file) as KustomizationFile]);
  assert.equal(printReference(web?.found[0]?.reference as Found['reference']), `m.example.com/app:1@${D}`);
  assert.equal(web?.found[0]?.written?.text, `app:1@${D}`);
});

test('a digest in a base that every overlay replaces stays a place for unpin, and is no image', async () => {
  const files = {
    'base/web.yaml': pod(`app:1@${D}`),
    'base/kustomization.yaml': kustomization('web.yaml', '- {name: app, newTag: "2"}\n'),
  };
  assert.deepEqual(await deployed(files), [
    'base/web.yaml: overridden docker.io/library/app:1',
    'base/kustomization.yaml: docker.io/library/app:2',
  ]);
});
