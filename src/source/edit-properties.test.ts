import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { FIND_OPTIONS } from '../../test/find-case.ts';
import { DIGEST_A as A, DIGEST_B as B, pinText as pin, unpinText as unpin } from '../../test/pin-text.ts';
import type { Edit } from '../flow.ts';
import { applyEdits } from './edit.ts';
import { findIn } from './find.ts';

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
      assert.ok((await findIn(pinned, 'x.yaml', FIND_OPTIONS)).found.every((found) => found.reference.digest === A));
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
      const { found } = await findIn(text, file, FIND_OPTIONS);
      if (found.some((item) => item.reference.digest)) return;
      const pinned = await pin(text, file);
      assert.equal(await unpin(pinned, file), text);
    }),
    { numRuns: 2000 },
  );
});

test('P27: property: an inserted digest: line ends as the lines of its file do, with or without a last line end', async () => {
  const entry = fc.constantFrom(
    ['- name: a', '  newTag: v1'],
    ['- newTag: "1"', '  name: b'],
    ['- name: c', '  newName: d'],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { minLength: 1, maxLength: 4 }),
      eol,
      fc.boolean(),
      async (entries, eol, final) => {
        const text = ['images:', ...entries.flat()].join(eol) + (final ? eol : '');
        const pinned = await pin(text, 'kustomization.yaml');
        assert.deepEqual(new Set(pinned.match(/\r?\n/g)), new Set([eol]));
        assert.equal(pinned.endsWith(eol), final);
        assert.equal(await unpin(pinned, 'kustomization.yaml'), text);
      },
    ),
  );
});

test('property: edits change their own ranges and no other character', () => {
  const ranges = fc.array(fc.tuple(fc.nat(8), fc.nat(3), fc.string({ maxLength: 3 })), { maxLength: 6 });
  fc.assert(
    fc.property(fc.string({ maxLength: 40, unit: 'binary' }), ranges, (text, gaps) => {
      const edits: Edit[] = [];
      let at = 0;
      for (const [gap, length, written] of gaps) {
        const start = at + gap;
        if (start + length > text.length) break;
        edits.push({ start, end: start + length, text: written });
        at = start + length;
      }
      let expected = text;
      for (const { start, end, text: written } of edits.toReversed())
        expected = expected.slice(0, start) + written + expected.slice(end);
      assert.equal(applyEdits(text, edits), expected);
    }),
  );
});
