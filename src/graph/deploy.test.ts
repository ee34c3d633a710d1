// What an image of a tree is when it is deployed, and which place decides it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { D, deployed, kustomization, pod } from '../../test/deployed-tree.ts';

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
    'P2 an overlay that renames and cannot carry a digest: none in the base either, though another overlay deploys that as it is',
    {
      'base/web.yaml': pod('redis:7'),
      'base/kustomization.yaml': kustomization('web.yaml', '[]'),
      'a/kustomization.yaml': kustomization('../base', '[]'),
      'b/kustomization.yaml': kustomization('../base', '- {name: redis, newName: b.example.com/redis}\n'),
    },
    [
      'base/web.yaml: blocked a digest here would reach the other name that b/kustomization.yaml gives it: give newTag there',
      'b/kustomization.yaml: blocked write this entry over several lines, or give newTag, so that a digest: line can follow newName',
    ],
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
      'base/web.yaml: blocked a digest here would reach the other name that b/kustomization.yaml gives it: give newTag there',
      'base/old.yaml: blocked a digest here would reach the other name that b/kustomization.yaml gives it: give newTag there',
      'b/kustomization.yaml: blocked decides over 2 tags (7, 6): give newTag here',
    ],
  ],
];
for (const [name, files, result] of cases)
  test(name, async () => {
    assert.deepEqual(await deployed(files), result);
  });
