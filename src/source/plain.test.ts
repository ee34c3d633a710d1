import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIND_OPTIONS } from '../../test/find-case.ts';
import { CATALOGUE, SPLIT } from './fields.ts';
import { findIn } from './find.ts';
import { parsePlain } from './plain.ts';
import { loadReader, parseAny } from './yaml.ts';
import { eventReader } from './yaml-events.ts';
import type { Node } from './yaml-node.ts';

await loadReader({ reader: 'second' });
const { decode } = eventReader;

const BASE = 7;

function anyTree(text: string): Node | undefined | string {
  try {
    return parseAny(text, BASE);
  } catch (error) {
    return String(error);
  }
}

/** Plain and not plain, at places where it matters how much a line is indented and how it ends. */
const piece = fc.constantFrom(
  ...['a: ', 'b:\n', 'image: nginx:1', '- ', '-\n', '\n', '\n  ', '\n    ', ' ', '  # note', '#', 'word', ': ', ':'],
  ...[
    '"text"',
    "'text'",
    '"a\\n"',
    '"',
    "'",
    "''",
    '|',
    '>',
    '|-\n',
    '>+\n',
    '|2\n',
    '{',
    '}',
    '[',
    ']',
    ', ',
    '{a: b}',
  ],
  ...[
    '[a, "b"]',
    '---',
    '\n---\n',
    '\n...\n',
    '? ',
    '&x ',
    '*x',
    '!t ',
    '<<: ',
    '%',
    '\t',
    '\r\n',
    'é',
    '😀',
    '\u0085',
  ],
  ...['\u2028', '\ufeff', '\0', '~', '-1', '.', '...', '\\'],
);
const soup = fc.array(piece, { maxLength: 25 }).map((parts) => parts.join(''));

const scalar = fc.constantFrom(
  'x',
  '"x y"',
  "'x'",
  'a:b#c',
  'x  # note',
  '"x" # note',
  '/etc/x',
  '"\\t"',
  '-1',
  '',
  '|\n',
  '>-\n',
);
const tree = fc.letrec<{ value: (indent: number) => string }>((tie) => {
  const pad = (indent: number) => ' '.repeat(indent);
  const block = (text: string, indent: number) =>
    /^[|>]/.test(text) ? `${text}${pad(indent + 2)}line\n\n${pad(indent + 3)}more` : text;
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar.map((text) => (indent: number) => ` ${block(text, indent)}\n`),
      fc.constantFrom(' {a: "b", c: [d, e]}\n', ' []\n', ' # none\n').map((text) => () => text),
      fc
        .array(fc.tuple(fc.constantFrom('a', 'image', '"q"', 'metadata', 'tag'), tie('value')), {
          minLength: 1,
          maxLength: 4,
        })
        .map(
          (entries) => (indent: number) =>
            `\n${entries.map(([key, value]) => `${pad(indent + 2)}${key}:${value(indent + 2)}`).join('')}`,
        ),
      fc
        .array(tie('value'), { minLength: 1, maxLength: 4 })
        .map((items) => (indent: number) => `\n${items.map((item) => `${pad(indent)}-${item(indent)}`).join('')}`),
    ),
  };
}).value;
const document = tree.map((value) => `root:${value(0)}`);

test('property: a text that is read as plain has the tree that all of YAML gives it', () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.oneof(soup, document), (text) => {
      const read = parsePlain(text, BASE, false, decode);
      assert.equal(parsePlain(text, BASE, true, decode) === 'other', read === 'other');
      if (read === 'other') return;
      plain++;
      assert.deepEqual(read, anyTree(text));
    }),
    { numRuns: 3000 },
  );
  assert.ok(plain > 500, `only ${plain} texts were plain`);
});

test('property: a generated document is plain', () => {
  fc.assert(fc.property(document, (text) => assert.notEqual(parsePlain(text, BASE, false, decode), 'other', text)));
});

/** The same text, and the same text with an end that only the parser of all of YAML reads. */
async function bothWays(text: string): Promise<void> {
  const [fast, whole] = [
    await findIn(text, 'x.yaml', FIND_OPTIONS),
    await findIn(`${text}#\r\n`, 'x.yaml', FIND_OPTIONS),
  ];
  assert.deepEqual(fast, whole);
}

const noise = 'labels: {a: b}\n  other:\n    - c: d\n      e: [f]\n';

for (const { group, kinds, paths } of CATALOGUE)
  test(`what is left out of a tree holds no field of ${group ?? 'no group'}`, async () => {
    for (const path of paths) {
      const object = `apiVersion: ${group ?? 'v1'}/v1\nkind: ${kinds?.[0] ?? 'Thing'}\nmetadata:\n  name: x\n  ${noise}`;
      const keys = path.replaceAll('**', 'deep.er').replaceAll('*', 'some').split('.');
      const lines = keys.map((key, depth) => {
        const indent = ' '.repeat(depth * 4);
        return key.endsWith('[]') ? `${indent}${key.slice(0, -2)}:\n${indent}  -` : `${indent}${key}:`;
      });
      const fields = `${lines.join('\n')} quay.io/a/b:1\n`;
      const head = group === undefined ? '' : object;
      await bothWays(`${head}${fields}`);
      assert.equal((await findIn(`${head}${fields}`, 'x.yaml', FIND_OPTIONS)).found.length, 1, path);
    }
  });

test('what is left out of a tree holds no image in parts', async () => {
  for (const { repository, tag, digest, registry } of SPLIT)
    for (const last of [tag, ...digest])
      for (const parent of ['image', 'parts', 'sidecarImage']) {
        const value = last === tag ? '"1.2"' : '""';
        await bothWays(
          `a:\n  ${noise}  ${parent}:\n    ${registry}: quay.io\n    ${repository}: a/b\n    ${last}: ${value}\n`,
        );
      }
});

test('what is left out of a tree holds no patch, no object in another one, no text with an image', async () => {
  for (const text of [
    'patches:\n  - target: {kind: X}\n    patch: "{image: nginx:1}"\n',
    'list:\n  - op: replace\n    path: /spec/image\n    value: quay.io/a/b:1\n',
    'items:\n  - apiVersion: v1\n    kind: CustomResourceDefinition\n    spec: {}\n  - image: nginx:1\n',
    'data:\n  file: |\n    kind: Pod\n    spec:\n      containers:\n        - image: nginx:1\n',
    'data:\n  file: >\n    image: nginx:1\n',
    'services:\n  web:\n    build: .\n  db:\n    ports: [x]\nx-y:\n  image: nginx:1\n',
    'services:\n  web:\n    build:\n      context: .\n    image: mine:1\n',
  ])
    await bothWays(text);
});
