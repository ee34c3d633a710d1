// Images that patches replace: the container of a base is no finding where a patch of every overlay sets its image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployed } from '../../test/deployed-tree.ts';

const container = (name: string, image: string, list = 'containers') =>
  `  ${list}: [{name: ${name}, image: "${image}"}]\n`;
const deployment = (name: string, containers: string, namespace = '') =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}${namespace}}\nspec:\n${containers}`;
const base = {
  'base/web.yaml': deployment('web', container('manager', 'controller:latest')),
  'base/kustomization.yaml': 'resources: [web.yaml]\n',
};
const overlay = (patches: string) => `resources: [../base]\n${patches}`;
const patch = deployment('web', container('manager', 'ghcr.io/org/manager:v1'));
const inline = patch.replaceAll(/^/gm, '    ').trimEnd();
const replaced = 'base/web.yaml: incomplete controller:latest';
const kept = 'base/web.yaml: docker.io/library/controller:latest';
const set = (file: string) => `${file}: ghcr.io/org/manager:v1`;

const cases: [name: string, files: Record<string, string>, result: string[]][] = [
  [
    'P5 a patch in a file',
    { 'a/kustomization.yaml': overlay('patches: [{path: p.yaml}]\n'), 'a/p.yaml': patch },
    [replaced, set('a/p.yaml')],
  ],
  [
    'P5 patchesStrategicMerge',
    { 'a/kustomization.yaml': overlay('patchesStrategicMerge: [p.yaml]\n'), 'a/p.yaml': patch },
    [replaced, set('a/p.yaml')],
  ],
  [
    'P5 a patch inside the kustomization',
    { 'a/kustomization.yaml': overlay(`patches:\n- patch: |\n${inline}\n`) },
    [replaced, set('a/kustomization.yaml')],
  ],
  [
    'one overlay does not patch',
    {
      'a/kustomization.yaml': overlay('patches: [{path: p.yaml}]\n'),
      'a/p.yaml': patch,
      'b/kustomization.yaml': overlay(''),
    },
    [kept, set('a/p.yaml')],
  ],
  [
    'an overlay around the one that patches changes what the patch set',
    {
      'a/kustomization.yaml': overlay('patches: [{path: p.yaml}]\n'),
      'a/p.yaml': patch,
      'b/kustomization.yaml': 'resources: [../a]\nimages:\n- {name: ghcr.io/org/manager, newTag: v2}\n',
    },
    [replaced, 'a/p.yaml: incomplete ghcr.io/org/manager:v1', 'b/kustomization.yaml: ghcr.io/org/manager:v2'],
  ],
  [
    'a patch with a target changes another object than the one that it names',
    {
      'a/kustomization.yaml': overlay('patches: [{path: p.yaml, target: {kind: Deployment, name: other}}]\n'),
      'a/p.yaml': patch,
    },
    [kept, set('a/p.yaml')],
  ],
  ...(
    [
      ['object', deployment('other', container('manager', 'ghcr.io/org/manager:v1'))],
      ['container', deployment('web', container('proxy', 'ghcr.io/org/manager:v1'))],
      ['list', deployment('web', container('manager', 'ghcr.io/org/manager:v1', 'initContainers'))],
      ['namespace', deployment('web', container('manager', 'ghcr.io/org/manager:v1'), ', namespace: prod')],
      ['kind', patch.replace('Deployment', 'StatefulSet')],
    ] as const
  ).map(([what, text]): (typeof cases)[number] => [
    `a patch of another ${what}`,
    { 'a/kustomization.yaml': overlay('patches: [{path: p.yaml}]\n'), 'a/p.yaml': text },
    [kept, set('a/p.yaml')],
  ]),
  [
    'the name inside a patch with a target is not that of its object: an outer patch of that name leaves it alone',
    {
      'a/kustomization.yaml': overlay('patches: [{path: t.yaml, target: {kind: Deployment, name: web}}]\n'),
      'a/t.yaml': deployment('other', container('manager', 'ghcr.io/org/other:v1')),
      'b/kustomization.yaml': 'resources: [../a]\npatches: [{path: p.yaml}]\n',
      'b/p.yaml': deployment('other', container('manager', 'ghcr.io/org/manager:v1')),
    },
    [kept, 'a/t.yaml: ghcr.io/org/other:v1', set('b/p.yaml')],
  ],
  [
    'two patches of one kustomization: which is last is not decided here, so both keep their places',
    {
      'a/kustomization.yaml': overlay('patches: [{path: p.yaml}, {path: q.yaml}]\n'),
      'a/p.yaml': patch,
      'a/q.yaml': patch.replace(':v1', ':v2'),
    },
    [replaced, set('a/p.yaml'), 'a/q.yaml: ghcr.io/org/manager:v2'],
  ],
  [
    'a digest in an entry that renames would reach what a patch sets, too: two tags, so it is asked for',
    {
      'a/kustomization.yaml': overlay(''),
      'b/kustomization.yaml': overlay(
        'patches: [{path: t.yaml, target: {kind: Deployment}}]\nimages:\n- name: controller\n  newName: ghcr.io/org/manager\n',
      ),
      'b/t.yaml': deployment('web', container('manager', 'controller:v1')),
    },
    [
      'base/web.yaml: blocked a digest here would reach the other name that b/kustomization.yaml gives it: give newTag there',
      'b/kustomization.yaml: blocked decides over 2 tags (latest, v1): give newTag here',
      'b/t.yaml: ghcr.io/org/manager:v1',
    ],
  ],
];
for (const [name, files, result] of cases)
  test(name, async () => {
    assert.deepEqual((await deployed({ ...base, ...files })).sort(), result.sort());
  });
