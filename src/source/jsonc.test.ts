// P18: JSON with comments is read as JSON, and every byte of it stays where it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIND_OPTIONS, testFind } from '../../test/find-case.ts';
import { DIGEST_A, pinText, unpinText } from '../../test/pin-text.ts';
import { applyEdits, pinEdit } from './edit.ts';
import { findIn } from './find.ts';
import { withoutComments } from './jsonc.ts';
import { proveEdits } from './prove.ts';
import { loadReader, parseYaml } from './yaml.ts';
import type { Node } from './yaml-node.ts';

await loadReader({ reader: 'events' });

const file = '.devcontainer/devcontainer.json';

/** Text that looks like comments, quotes and escapes. */
const tricky = fc
  .array(fc.constantFrom('//', '/*', '*/', '"', '\\', '#', ' ', 'a', 'é', ',}', '\n', 'https://x'), { maxLength: 8 })
  .map((parts) => parts.join(''));
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    tricky,
    fc.constantFrom(null, true, 0, -1.5),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(tricky, tie('value'), { maxKeys: 3 }),
  ),
})).value as fc.Arbitrary<unknown>;
const comment = fc.oneof(
  tricky.map((text) => ` // ${text.replaceAll('\n', '')}\n`),
  tricky.map((text) => `/* ${text.replaceAll('*', '+')} */`),
  fc.constantFrom(' ', '\n\t', '\r\n'),
);

/** The same value with something between its tokens, and sometimes a comma before a closing bracket. */
function withComments(json: string, between: readonly string[]): string {
  let next = 0;
  const gap = () => between[next++ % between.length] ?? ' ';
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^"[\]{},:]+/g) ?? [];
  return tokens
    .map((token, i) => {
      const comma =
        /^[\]}]$/.test(token) && !/^[[{]$/.test(tokens[i - 1] ?? '[') && gap().length > 5 ? `,${gap()}` : '';
      // YAML wants a key and its colon on one line.
      const before = token === ':' ? ' ' : gap();
      return `${before}${comma}${token}`;
    })
    .join('')
    .concat(gap());
}

function plain(node: Node | undefined): unknown {
  if (node?.kind === 'map') return Object.fromEntries(node.entries.map(({ key, value: v }) => [key.value, plain(v)]));
  if (node?.kind === 'seq') return node.items.map(plain);
  return node?.kind === 'scalar' ? node.value : undefined;
}
const asText = (item: unknown): unknown =>
  Array.isArray(item)
    ? item.map(asText)
    : item !== null && typeof item === 'object'
      ? Object.fromEntries(Object.entries(item).map(([key, v]) => [key, asText(v)]))
      : String(item);

test('P18: comments become blanks of the same length, and no string changes', () =>
  fc.assert(
    fc.property(value, fc.array(comment, { minLength: 1, maxLength: 20 }), (content, between) => {
      const json = JSON.stringify({ content }, null, 1);
      assert.equal(withoutComments(json, file), json, 'JSON without comments stays as it is');
      const commented = withComments(json, between);
      const blanked = withoutComments(commented, file);
      assert.equal(blanked.length, commented.length);
      for (const [string] of json.matchAll(/"(?:[^"\\]|\\.)*"/g)) assert.ok(blanked.includes(string));
      assert.deepEqual(plain(parseYaml(blanked, 0, blanked.length)), asText({ content }));
      for (let i = 0; i < blanked.length; i++)
        assert.ok(blanked[i] === commented[i] || /\s/.test(blanked[i] as string), `position ${i}`);
    }),
  ));

test('P18: text that is no JSON, and files of other names, stay as they are', () => {
  for (const [text, name] of [
    ['url: http://x // y\n', 'a.json'],
    ['{a: 1} // b\n', 'a.yaml'],
    ['{"a": "b"}', 'a.json'],
  ] as const)
    assert.equal(withoutComments(text, name), text);
});

const TEXT = `// For format details, see https://aka.ms/devcontainer.json
{
\t"name": "Go // not a comment",
\t/* "image": "old:1",
\t   and more */
\t// "image": "commented:out",
\t"image": "mcr.microsoft.com/devcontainers/go:1-1.23", // "image": "other:1"
\t"features": {
\t\t"ghcr.io/devcontainers/features/node:1": {}, // trailing comma
\t},
\t"forwardPorts": [3000, /* web */ 5432,],
}
`;

for (const [name, text] of [
  ['line feeds', TEXT],
  ['CRLF', TEXT.replaceAll('\n', '\r\n')],
  ['a byte order mark', `\uFEFF${TEXT}`],
] as const)
  test(`P18: devcontainer.json is pinned and unpinned byte by byte: ${name}`, async () => {
    const pinned = await pinText(text, file);
    assert.equal(pinned, text.replace('go:1-1.23"', `go:1-1.23@${DIGEST_A}"`));
    assert.equal(await unpinText(pinned, file), text);
    const before = await findIn(text, file, FIND_OPTIONS);
    const changes = before.found.flatMap((found) => {
      const edit = pinEdit(found, DIGEST_A);
      return edit === undefined ? [] : [{ found, edit, digest: DIGEST_A }];
    });
    const after = applyEdits(
      text,
      changes.map(({ edit }) => edit),
    );
    await proveEdits({ text, after, before, changes, options: FIND_OPTIONS });
  });

testFind([
  {
    name: 'P18: the image field alone; a Dockerfile that build names is read by its own dialect',
    file,
    dialect: 'devcontainer',
    text: '{"image": "a:1", "build": {"dockerfile": "Dockerfile", "args": {"image": "b:1"}}, "customizations": {"image": "c:1"}}',
    found: ['image a:1'],
  },
  {
    name: 'P18: the other places and names of the file',
    file: '.devcontainer/go/devcontainer.jsonc',
    dialect: 'devcontainer',
    text: '{"image": "${localEnv:BASE}", /* x */ }',
    skipped: ['variable ${localEnv:BASE}'],
  },
  {
    name: 'P18: comments in any JSON file, also before the image on the same line',
    file: 'pod.json',
    text: '// a pod\n{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [ // c\n /* d */ {"image": "a:1"}, ]}}\n',
    found: ['spec.containers[0].image a:1'],
  },
  {
    name: 'P18: a comment may leave an image out, on its line or on the line above',
    file: 'pod.json',
    text: `{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [
  {"image": "a:1"}, // tagproof:ignore built here
  // tagproof:ignore ours
  {"image": "b:1"},
  {"image": "c:1"}
]}}`,
    found: ['spec.containers[2].image c:1'],
    skipped: ['ignored a:1', 'ignored b:1'],
  },
]);
