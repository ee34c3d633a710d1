import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { applyEdits, pinEdit, unpinEdit } from './edit.ts';
import { findIn } from './find.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const OPTIONS = { fields: [], argsAndEnv: false };

async function pin(text: string, file: string, digest = A): Promise<string> {
  const edits = (await findIn(text, file, OPTIONS)).found
    .filter((found) => !found.slot.blocked)
    .map((found) => pinEdit(found, digest));
  return applyEdits(
    text,
    edits.filter((edit) => edit !== undefined),
  );
}

async function unpin(text: string, file: string): Promise<string> {
  const edits = (await findIn(text, file, OPTIONS)).found.map(unpinEdit);
  return applyEdits(
    text,
    edits.filter((edit) => edit !== undefined),
  );
}

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
    'image:\n  repository: a/b\n  tag: 1.10 # keep\n',
    `image:\n  repository: a/b\n  tag: 1.10@${A} # keep\n`,
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
  const [found] = (await findIn('image:\n  repository: a/b\n  tag: ""\n', 'values.yaml', OPTIONS)).found;
  assert.ok(found);
  assert.throws(() => pinEdit(found, A), /values.yaml:2:15: a\/b: cannot be pinned here: there is no tag here/);
});

test('overlapping edits are refused', () => {
  assert.throws(
    () =>
      applyEdits('abc', [
        { start: 0, end: 2, text: 'x' },
        { start: 1, end: 3, text: 'y' },
      ]),
    /two edits touch/,
  );
});

// --- properties ---

const image = fc.constantFrom('nginx', 'nginx:1.27', 'quay.io/a/b:v1', `redis:7@${B}`, 'localhost:5000/x:y');
const quote = fc.constantFrom('', '"', "'");
const comment = fc.constantFrom('', ' # note', '  # image: x:1');
const eol = fc.constantFrom('\n', '\r\n');
const container = fc.tuple(image, quote, comment, fc.boolean());

const manifest = fc
  .tuple(fc.array(container, { minLength: 1, maxLength: 5 }), eol, fc.boolean(), fc.boolean())
  .map(([containers, eol, bom, final]) => {
    const lines = ['apiVersion: apps/v1', 'kind: Deployment', 'spec:', '  template:', '    spec:', '      containers:'];
    for (const [text, quote, comment, flow] of containers) {
      lines.push(
        flow
          ? `      - {name: n, image: ${quote}${text}${quote} }${comment}`
          : `      - image: ${quote}${text}${quote}${comment}`,
      );
    }
    return (bom ? '\uFEFF' : '') + lines.join(eol) + (final ? eol : '');
  });

test('property: bytes outside edits never change, the parsed YAML differs only at the images', async () => {
  await fc.assert(
    fc.asyncProperty(manifest, async (text) => {
      const pinned = await pin(text, 'x.yaml');
      const strip = (value: string) => value.replace(/@sha256:[a-f0-9]{64}/g, '');
      assert.equal(strip(pinned), strip(text));
      assert.equal(await unpin(pinned, 'x.yaml'), strip(text));
      const images = (value: string) =>
        JSON.parse(JSON.stringify(loadAll(value)), (key, item) => (key === 'image' ? strip(item) : item));
      assert.deepEqual(images(pinned), images(text));
      assert.ok((await findIn(pinned, 'x.yaml', OPTIONS)).found.every((found) => found.reference.digest === A));
    }),
  );
});

test('property: no text makes find throw; whatever it finds, pin and unpin are inverses', async () => {
  const piece = fc.constantFrom(
    'image: ',
    'nginx:1',
    '\n',
    '  ',
    '- ',
    '"',
    "'",
    '|',
    '>',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '#',
    '&a ',
    '*a',
    '---\n',
    '\t',
    '\r\n',
    'containers:',
    'tag: 1\n',
    'repository: a\n',
    'digest: ""\n',
    '{{ x }}',
    '\u{1F600}',
    'é',
    '@',
    'kind: Pod\n',
    'apiVersion: v1\n',
  );
  const name = fc.constantFrom(
    'a.yaml',
    'values.yaml',
    'kustomization.yaml',
    'Dockerfile',
    'compose.yaml',
    'templates/a.tpl',
    '.gitlab-ci.yml',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), name, async (pieces, file) => {
      const text = pieces.join('');
      const { found } = await findIn(text, file, OPTIONS);
      if (found.some((item) => item.reference.digest)) return;
      const pinned = await pin(text, file);
      assert.equal(await unpin(pinned, file), text);
    }),
    { numRuns: 2000 },
  );
});
