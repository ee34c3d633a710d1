import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS } from '../../test/find-case.ts';
import { DIALECTS, dialectOf } from './dialects.ts';
import { findIn } from './find.ts';

const names: [file: string, dialect: string | undefined][] = [
  ['Dockerfile', 'dockerfile'],
  ['a/b/Containerfile', 'dockerfile'],
  ['Dockerfile.dev', 'dockerfile'],
  ['Dockerfile-alpine', 'dockerfile'],
  ['web.dockerfile', 'dockerfile'],
  ['web.Containerfile', 'dockerfile'],
  ['Dockerfile.md', undefined],
  ['Dockerfile.tmpl', 'template'],
  ['Dockerfile.yaml', 'yaml'],
  ['MyDockerfile', undefined],
  ['overlays/prod/kustomization.yaml', 'kustomize'],
  ['Kustomization', 'kustomize'],
  ['Chart.yaml', 'helm-chart'],
  ['values.yaml', 'helm-values'],
  ['values-prod.yaml', 'helm-values'],
  ['values.prod.yml', 'helm-values'],
  ['prod.values.yaml', 'helm-values'],
  ['myvalues.yaml', 'yaml'],
  ['.github/workflows/ci.yml', 'github-actions'],
  ['.forgejo/workflows/ci.yaml', 'github-actions'],
  ['.github/workflows/sub/ci.yml', 'yaml'],
  ['action.yml', 'github-actions'],
  ['.gitlab-ci.yml', 'gitlab-ci'],
  ['ci/build.gitlab-ci.yml', 'gitlab-ci'],
  ['.circleci/config.yml', 'circleci'],
  ['docker-compose.yml', 'compose'],
  ['compose.override.yaml', 'compose'],
  ['compose-dev.yaml', 'compose'],
  ['decompose.yaml', 'yaml'],
  ['templates/_helpers.tpl', 'template'],
  ['a.yaml.j2', 'template'],
  ['pod.json', 'yaml'],
  ['POD.YAML', 'yaml'],
  ['deploy\\windows\\Chart.yaml', 'helm-chart'],
  ['readme.md', undefined],
  ['main.go', undefined],
];
for (const [file, dialect] of names)
  test(`${file} is ${dialect ?? 'not read'}`, () => assert.equal(dialectOf(file), dialect));

const KUSTOMIZE = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [{name: a, newTag: v1}]\n';
const POD = 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx}]}\n';
const SERVICES = 'services: {a: {image: nginx}}\n';

/** What the content of a document makes of it, in files of different names. */
const contents: [name: string, file: string, text: string, dialect: string][] = [
  ['an object in any YAML', 'a.yaml', POD, 'kubernetes'],
  ['an object among values', 'values.yaml', POD, 'kubernetes'],
  ['an object in a file for Compose', 'compose.yaml', POD, 'kubernetes'],
  ['a kustomization of any name', 'base.yaml', KUSTOMIZE, 'kustomize'],
  ['a kustomization among values', 'values.yaml', KUSTOMIZE, 'kustomize'],
  ['a kustomization without apiVersion', 'kustomization.yaml', 'images: [{name: a, newTag: v1}]\n', 'kustomize'],
  ['services in any YAML', 'stack.yaml', SERVICES, 'compose'],
];
for (const [name, file, text, dialect] of contents)
  test(`content: ${name} is ${dialect}`, async () =>
    assert.deepEqual(
      (await findIn(text, file, FIND_OPTIONS)).found.map((item) => item.dialect),
      [dialect],
    ));

test('where the name decides, no content claims a document', async () => {
  for (const file of ['.github/workflows/a.yml', '.gitlab-ci.yml', '.circleci/config.yml'])
    for (const text of [POD, KUSTOMIZE, SERVICES])
      assert.deepEqual((await findIn(text, file, FIND_OPTIONS)).found, [], `${file}: ${text}`);
});

test('services among the values of a chart are no Compose file', async () => {
  const { found, skipped } = await findIn(SERVICES, 'values.yaml', FIND_OPTIONS);
  assert.deepEqual([found.length, skipped[0]?.reason], [0, 'uncertain']);
});

test('a file for Compose without services is read by shape', async () => {
  const { found } = await findIn('x-image: &i {image: "redis:7"}\n', 'compose.yaml', FIND_OPTIONS);
  assert.deepEqual(
    found.map(({ dialect, reference }) => `${dialect} ${reference.text}`),
    ['compose redis:7'],
  );
});

test('no name pattern and no hint keeps a position between two tests', () => {
  for (const { names, hints } of Object.values(DIALECTS))
    for (const pattern of [...names, ...hints.map(({ key }) => key)])
      assert.ok(!pattern.global && !pattern.sticky, String(pattern));
});
