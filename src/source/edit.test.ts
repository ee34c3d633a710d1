import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS } from '../../test/find-case.ts';
import { DIGEST_A as A, DIGEST_B as B, pinText as pin, unpinText as unpin } from '../../test/pin-text.ts';
import type { Edit } from '../flow.ts';
import { Problem } from '../problem.ts';
import { applyEdits, pinEdit, unpinEdit } from './edit.ts';
import { findIn } from './find.ts';

const k8s = (image: string, eol = '\n') =>
  `apiVersion: v1${eol}kind: Pod${eol}spec:${eol}  containers:${eol}  - image: ${image}${eol}    name: a${eol}`;

const cases: [name: string, file: string, before: string, after: string][] = [
  ['plain', 'p.yaml', k8s('nginx:1 # why'), k8s(`nginx:1@${A} # why`)],
  ['no tag', 'p.yaml', k8s('nginx'), k8s(`nginx@${A}`)],
  ['quoted', 'p.yaml', k8s(`"nginx:1"`), k8s(`"nginx:1@${A}"`)],
  ['single quotes, anchor, tag', 'p.yaml', k8s(`&x !!str 'nginx:1'`), k8s(`&x !!str 'nginx:1@${A}'`)],
  ['CRLF and BOM', 'p.yaml', `\uFEFF${k8s('nginx:1', '\r\n')}`, `\uFEFF${k8s(`nginx:1@${A}`, '\r\n')}`],
  [
    'flow',
    'p.yaml',
    k8s('x').replace('- image: x\n    name: a', '- {image: nginx:1, name: a}'),
    k8s('x').replace('- image: x\n    name: a', `- {image: nginx:1@${A}, name: a}`),
  ],
  ['folded block', 'p.yaml', k8s('>-\n      nginx:1'), k8s(`>-\n      nginx:1@${A}`)],
  [
    'JSON',
    'p.json',
    '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"a\\/b:1"}]}}',
    `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"a\\/b:1@${A}"}]}}`,
  ],
  ['no final newline', 'Dockerfile', 'FROM nginx:1', `FROM nginx:1@${A}`],
  ['Dockerfile', 'Dockerfile', 'from nginx:1  as x # no comment\n', `from nginx:1@${A}  as x # no comment\n`],
  ['Dockerfile ARG', 'Dockerfile', 'ARG V="1"\nFROM x:$V\n', `ARG V="1@${A}"\nFROM x:$V\n`],
  [
    'values: empty digest',
    'values.yaml',
    'image:\n  repository: a/b\n  digest: ""\n  tag: v1\n',
    `image:\n  repository: a/b\n  digest: "${A}"\n  tag: v1\n`,
  ],
  [
    'values: sha',
    'values.yaml',
    "image: {repository: a/b, tag: v1, sha: ''}\n",
    `image: {repository: a/b, tag: v1, sha: '${A.slice(7)}'}\n`,
  ],
  [
    'values: no digest key',
    'values.yaml',
    'image:\n  repository: a/b\n  tag: 1.1 # keep\n',
    `image:\n  repository: a/b\n  tag: 1.1@${A} # keep\n`,
  ],
  [
    'values: null digest',
    'values.yaml',
    'image: {repository: a/b, tag: "1", digest: ~}\n',
    `image: {repository: a/b, tag: "1@${A}", digest: ~}\n`,
  ],
  [
    'values: bare digest key',
    'values.yaml',
    'image:\n  repository: a/b\n  digest: # none\n  tag: v1\n',
    `image:\n  repository: a/b\n  digest: # none\n  tag: v1@${A}\n`,
  ],
  [
    'kustomize: a line of its own',
    'kustomization.yaml',
    'images:\n- name: a\n  newTag: v1 # c\n- newTag: v2\n  name: b\n',
    `images:\n- name: a\n  newTag: v1 # c\n  digest: ${A}\n- newTag: v2\n  digest: ${A}\n  name: b\n`,
  ],
  [
    'kustomize: CRLF',
    'kustomization.yaml',
    'images:\r\n- name: a\r\n  newTag: v1\r\n',
    `images:\r\n- name: a\r\n  newTag: v1\r\n  digest: ${A}\r\n`,
  ],
  [
    'kustomize: at the end without newline',
    'kustomization.yaml',
    'images:\n- name: a\n  newTag: v1',
    `images:\n- name: a\n  newTag: v1\n  digest: ${A}`,
  ],
  [
    'kustomize: flow',
    'kustomization.yaml',
    'images: [{name: a, newTag: v1}]\n',
    `images: [{name: a, newTag: v1@${A}}]\n`,
  ],
  [
    'kustomize: empty digest',
    'kustomization.yaml',
    'images:\n- name: a\n  newTag: v1\n  digest: ""\n',
    `images:\n- name: a\n  newTag: v1\n  digest: "${A}"\n`,
  ],
  [
    'template',
    'templates/x.yaml',
    '{{ if x }}\nimage: "nginx:1" # c\n{{ end }}\n',
    `{{ if x }}\nimage: "nginx:1@${A}" # c\n{{ end }}\n`,
  ],
  [
    'ConfigMap',
    'cm.yaml',
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  p: |2-\n\n     containers:\n\n      - image: a:1\r\n',
    `apiVersion: v1\nkind: ConfigMap\ndata:\n  p: |2-\n\n     containers:\n\n      - image: a:1@${A}\r\n`,
  ],
  [
    'GitHub Actions',
    '.github/workflows/a.yml',
    'jobs: {a: {steps: [{uses: "docker://a:1"}]}}\n',
    `jobs: {a: {steps: [{uses: "docker://a:1@${A}"}]}}\n`,
  ],
];

for (const [name, file, before, after] of cases) {
  test(`pin and unpin are inverses: ${name}`, async () => {
    assert.equal(await pin(before, file), after);
    assert.equal(await pin(after, file), after, 'pinning what is pinned changes nothing');
    assert.equal(
      await pin(after, file, B),
      after.replaceAll(A.slice(7), B.slice(7)),
      'a new digest replaces the old one in place',
    );
    assert.equal(await unpin(after, file), before);
    assert.equal(await unpin(before, file), before);
  });
}

test('a place that cannot carry a digest says why', async () => {
  const [found] = (await findIn('image:\n  repository: a/b\n  tag: ""\n', 'values.yaml', FIND_OPTIONS)).found;
  assert.ok(found);
  assert.throws(() => pinEdit(found, A), /values.yaml:2:15: a\/b: cannot be pinned here: there is no tag here/);
});

test('a place that carries the digest already needs no edit; a place without one has nothing to take out', async () => {
  const [pinned] = (await findIn(k8s(`nginx:1@${A}`), 'p.yaml', FIND_OPTIONS)).found;
  const [plain] = (await findIn(k8s('nginx:1'), 'p.yaml', FIND_OPTIONS)).found;
  assert.ok(pinned && plain);
  assert.equal(pinEdit(pinned, A), undefined);
  assert.equal(unpinEdit(plain), undefined);
});

const conflicts: [name: string, edits: Edit[]][] = [
  [
    'they overlap',
    [
      { start: 0, end: 2, text: 'x' },
      { start: 1, end: 3, text: 'y' },
    ],
  ],
  [
    'they overlap, in another order',
    [
      { start: 1, end: 3, text: 'y' },
      { start: 0, end: 2, text: 'x' },
    ],
  ],
  [
    'one is inside the other',
    [
      { start: 0, end: 3, text: 'x' },
      { start: 1, end: 1, text: 'y' },
    ],
  ],
  ['one ends before it starts', [{ start: 2, end: 1, text: 'x' }]],
  ['one is behind the text', [{ start: 3, end: 4, text: 'x' }]],
  ['one starts before the text', [{ start: -1, end: 1, text: 'x' }]],
];
for (const [name, edits] of conflicts)
  test(`edits are refused when ${name}`, () =>
    assert.throws(
      () => applyEdits('abc', edits),
      (error) => error instanceof Problem && error.code === 'conflict' && /two edits touch/.test(error.message),
    ));

test('edits that only touch are applied, in whatever order they are given', () => {
  const edits = [
    { start: 1, end: 2, text: 'X' },
    { start: 2, end: 2, text: 'Y' },
    { start: 3, end: 3, text: '!' },
    { start: 0, end: 1, text: '' },
  ];
  assert.equal(applyEdits('abc', edits), 'XYc!');
  assert.equal(applyEdits('abc', edits.toReversed()), 'XYc!');
  assert.equal(applyEdits('abc', []), 'abc');
});
