// What an image of a tree is when it is deployed, and which place decides it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Found } from '../flow.ts';
import { printReference, withoutDigest } from '../image/reference.ts';
import { type FileResult, findIn } from '../source/find.ts';
import { isKustomizationFile, type KustomizationFile, readKustomizationFile } from './kustomization-file.ts';
import { deployTree } from './tree.ts';

const D = `sha256:${'d'.repeat(64)}`;
const pod = (image: string) => `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: ${image}\n`;
const kustomization = (resources: string, images: string) =>
  `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${resources}]\nimages:${images === '[]' ? ' []' : `\n${images}`}\n`;

/** A line for each place: what is deployed there, or why nothing is. */
async function deployed(files: Record<string, string>): Promise<string[]> {
  const results: FileResult[] = [];
  for (const [file, text] of Object.entries(files))
    results.push(await findIn(text, file, { fields: [], argsAndEnv: false }));
  const kustomizations = Object.entries(files)
    .filter(([file]) => isKustomizationFile(file))
    .flatMap(([file, text]) => readKustomizationFile(text, file) ?? []);
  return deployTree(results, kustomizations).flatMap(({ file, found, skipped, problems }) => [
    ...found.map((item) => `${file}: ${show(item)}`),
    ...skipped.map(({ text, reason }) => `${file}: ${reason} ${text}`),
    ...problems.map(({ code }) => `${file}: ${code}`),
  ]);
}

function show({ reference, overriddenBy, slot }: Found): string {
  if (slot.blocked !== undefined) return `blocked ${slot.blocked}`;
  const name = printReference(withoutDigest(reference));
  return overriddenBy === undefined ? name : `overridden ${name}`;
}

const SUFFIXED = 'tagSuffix makes another tag of each one that it meets: give newTag here, which can be pinned';

const cases: [name: string, files: Record<string, string>, result: string[]][] = [
  ['no overlay', { 'web.yaml': pod('redis:7') }, ['web.yaml: docker.io/library/redis:7']],
  [
    'P2 newName without newTag: the digest of the image that is deployed belongs into the base',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', '- {name: other, newTag: "1"}\n'),
      'prod/kustomization.yaml': kustomization('../base', '- name: redis\n  newName: mirror.example.com/cache/redis\n'),
    },
    [
      'base/web.yaml: mirror.example.com/cache/redis:7',
      'base/kustomization.yaml: docker.io/library/other:1',
      'prod/kustomization.yaml: incomplete mirror.example.com/cache/redis',
    ],
  ],
  [
    'P2 two overlays rename to two names: each needs its own digest, the base none',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '- name: redis\n  newName: a.example.com/redis\n'),
      'b/kustomization.yaml': kustomization('../base', '- name: redis\n  newName: b.example.com/redis\n'),
    },
    [
      'base/web.yaml: incomplete redis:7',
      'a/kustomization.yaml: a.example.com/redis:7',
      'b/kustomization.yaml: b.example.com/redis:7',
    ],
  ],
  [
    'P2 one overlay renames, the other does not: both places decide',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '[]'),
      'b/kustomization.yaml': kustomization('../base', '- name: redis\n  newName: b.example.com/redis\n'),
    },
    ['base/web.yaml: docker.io/library/redis:7', 'b/kustomization.yaml: b.example.com/redis:7'],
  ],
  [
    'P2 a tag inside newName',
    {
      'base/web.yaml': pod('app'),
      'base/kustomization.yaml': kustomization('web.yaml', '- name: app\n  newName: ghcr.io/org/app:v1\n'),
    },
    ['base/web.yaml: ghcr.io/org/app:v1', 'base/kustomization.yaml: incomplete ghcr.io/org/app:v1'],
  ],
  [
    'P2 a tag inside newName before a tag of the base is no reference',
    {
      'base/web.yaml': pod('app:2'),
      'base/kustomization.yaml': kustomization('web.yaml', '- name: app\n  newName: ghcr.io/org/app:v1\n'),
    },
    ['base/web.yaml: invalid app:2', 'base/kustomization.yaml: incomplete ghcr.io/org/app:v1'],
  ],
  [
    'P5 a placeholder that every overlay replaces is no finding',
    {
      'base/web.yaml': pod('controller:latest'),
      'base/kustomization.yaml': kustomization(
        'web.yaml',
        '- name: controller\n  newName: ghcr.io/org/operator\n  newTag: v1\n',
      ),
    },
    ['base/web.yaml: incomplete controller:latest', 'base/kustomization.yaml: ghcr.io/org/operator:v1'],
  ],
  [
    'a suffix makes a tag that is written nowhere: the entry is a finding, and so nothing is silent',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '- {name: redis, tagSuffix: -alpine}\n'),
      'b/kustomization.yaml': kustomization('../base', '- {name: redis, newTag: v1, tagSuffix: -alpine}\n'),
    },
    [
      'base/web.yaml: incomplete redis:7',
      `a/kustomization.yaml: blocked ${SUFFIXED}`,
      'b/kustomization.yaml: docker.io/library/redis:v1',
    ],
  ],
  [
    'a digest beside a suffix decides; which tag it was made for is not known',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', `- {name: redis, tagSuffix: -alpine, digest: "${D}"}\n`),
    },
    ['base/web.yaml: incomplete redis:7', 'base/kustomization.yaml: docker.io/library/redis'],
  ],
  [
    'a suffix of a name without tag gives no valid reference',
    {
      'base/web.yaml': pod('redis'),
      'base/kustomization.yaml': kustomization('web.yaml', '- {name: redis, tagSuffix: -alpine}\n'),
    },
    ['base/web.yaml: incomplete redis', 'base/kustomization.yaml: invalid redis'],
  ],
  [
    'P11 a name that is no reference, and that every overlay replaces, is no finding',
    {
      'base/web.yaml': pod('Controller'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '- {name: Controller, newName: ghcr.io/org/a, newTag: v1}\n'),
      'b/kustomization.yaml': kustomization('../base', '- {name: Controller, newName: ghcr.io/org/b, newTag: v1}\n'),
    },
    [
      'base/web.yaml: incomplete Controller',
      'a/kustomization.yaml: ghcr.io/org/a:v1',
      'b/kustomization.yaml: ghcr.io/org/b:v1',
    ],
  ],
  [
    'P11 it is one where an overlay does not replace it, or not in full',
    {
      'base/web.yaml': pod('Controller'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '- {name: Controller, newName: ghcr.io/org/a, newTag: v1}\n'),
      'b/kustomization.yaml': kustomization('../base', '[]'),
      'c/web.yaml': pod('Web:1'),
      'c/kustomization.yaml': kustomization('web.yaml', '- name: Web\n  newName: ghcr.io/org/web\n'),
      'other/job.yaml': pod('Job:1'),
      'other/kustomization.yaml': kustomization('job.yaml', '- {name: Job, newTag: v1}\n'),
    },
    [
      'base/web.yaml: invalid Controller',
      'a/kustomization.yaml: ghcr.io/org/a:v1',
      'c/web.yaml: invalid Web:1',
      'c/kustomization.yaml: incomplete ghcr.io/org/web',
      'other/job.yaml: invalid Job:1',
      'other/kustomization.yaml: pattern Job',
    ],
  ],
  [
    'an outer overlay replaces what an inner one gives',
    {
      'base/web.yaml': pod('app:1'),
      'base/kustomization.yaml': kustomization('web.yaml', '- {name: app, newTag: "2"}\n'),
      'prod/kustomization.yaml': kustomization('../base', '- {name: app, newTag: "3"}\n'),
    },
    [
      'base/web.yaml: incomplete app:1',
      'base/kustomization.yaml: incomplete app:2',
      'prod/kustomization.yaml: docker.io/library/app:3',
    ],
  ],
  [
    'a digest below newName is one of the tag that the base gives',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization(
        'web.yaml',
        `- name: redis\n  newName: m.example.com/redis\n  digest: ${D}\n`,
      ),
    },
    ['base/web.yaml: incomplete redis:7', 'base/kustomization.yaml: m.example.com/redis:7'],
  ],
  [
    'one entry that renames two tags cannot carry one digest',
    {
      'base/web.yaml': pod('redis:7'),
      'base/old.yaml': pod('redis:6'),
      'base/kustomization.yaml': kustomization('web.yaml, old.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '[]'),
      'b/kustomization.yaml': kustomization('../base', '- name: redis\n  newName: b.example.com/redis\n'),
    },
    [
      'base/web.yaml: docker.io/library/redis:7',
      'base/old.yaml: docker.io/library/redis:6',
      'b/kustomization.yaml: blocked decides over 2 tags (7, 6): give newTag here',
    ],
  ],
];
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
