import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIND_OPTIONS } from '../../test/find-case.ts';
import { findIn } from './find.ts';
import { HINT_WORDS, isPlainSchema, mayNameImage } from './prefilter.ts';

const parsed: [text: string, expected: boolean][] = [
  ['image: x', true],
  ['"image" : x', true],
  ['sidecarImage: x', true],
  ['imageName: x', true],
  ["'initImage':\tx", true],
  ['path: /spec/containers/0/image', true],
  ['uses: docker://alpine', true],
  ['container: node', true],
  ['repository: a/b', true],
  ['apiVersion: pkg.crossplane.io/v1', true],
  ['{"im\\u0061ge": "a:1"}', true],
  ['{"\\x69mage"   : "a:1"}', true],
  ['text: an image of a cat', false],
  ['containers: []', false],
  ['- imagine', false],
  ['path: "C:\\users"', false],
  ['', false],
];
for (const [text, expected] of parsed)
  test(`${JSON.stringify(text)} is ${expected ? '' : 'not '}parsed`, () => assert.equal(mayNameImage(text), expected));

const CRD = 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n';
const schemas: [name: string, text: string, plain: boolean][] = [
  ['a definition whose image is a property', `${CRD}properties:\n  image:\n    type: string\n`, true],
  ['the same with CRLF and a comment', `${CRD}properties:\r\n  image: # of the pod\r\n    type: string\r\n`, true],
  ['a quoted kind', 'kind: "CompositeResourceDefinition"\nimage:\n  type: string\n', true],
  ['a definition with a value', `${CRD}image: nginx:1\n`, false],
  ['a value on the next line', `${CRD}image:\n  nginx\n`, false],
  ['a value in flow style', `${CRD}{image: x}\n`, false],
  ['an image volume', `${CRD}reference: nginx:1\n`, false],
  ['a key with an escape', `${CRD}"im\\u0061ge": nginx:1\n`, false],
  ['another kind', 'kind: CustomResourceDefinitionList\n', false],
  ['the kind in an indented mapping', 'a:\n  kind: CustomResourceDefinition\n', false],
];
for (const [name, text, plain] of schemas)
  test(`${name}: ${plain ? 'skipped unparsed' : 'parsed'}`, () => assert.equal(isPlainSchema(text), plain));

test('a document that only looks like a schema hides no image', async () => {
  const text = `kind: CustomResourceDefinition\nkind: Pod\napiVersion: v1\nspec:\n  containers:\n  - image: nginx:1\n`;
  const { found } = await findIn(text, 'a.yaml', FIND_OPTIONS);
  assert.deepEqual(
    found.map(({ reference }) => reference.text),
    ['nginx:1'],
  );
});

test('every text that has an image also has a word of the hints, so that no file is left unread', () => {
  for (const text of ['image: a', 'Image: a', 'uses: docker://a', 'container: a', 'repository: a', 'crossplane.io'])
    assert.ok(
      HINT_WORDS.some((word) => text.includes(word)),
      text,
    );
});

test('property: the prefilter loses nothing: what is found with it is what is found without it', async () => {
  const key = fc.constantFrom(
    'image',
    '"image"',
    'sidecarImage',
    'my-image',
    'container',
    'im\\u0061ge',
    '"im\\u0061ge"',
    'name',
  );
  const line = fc.tuple(
    fc.constantFrom('', '- ', '  '),
    key,
    fc.constantFrom(': ', ' : ', ':\n    '),
    fc.constantFrom('a/b:1', '"a/b:1"', 'x'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
      const text = lines.map((parts) => `${parts.join('')}\n`).join('');
      const everything = { fields: [{ paths: ['no.such.field'] }], argsAndEnv: false };
      const images = async (options: typeof FIND_OPTIONS) =>
        (await findIn(text, 'a.yaml', options)).found.map(({ path, reference }) => `${path} ${reference.text}`);
      assert.deepEqual(await images(FIND_OPTIONS), await images(everything));
    }),
    { numRuns: 500 },
  );
});
