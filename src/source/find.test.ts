import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS, podText } from '../../test/find-case.ts';
import { findIn } from './find.ts';

test('a place has line, column, document and object', async () => {
  const text =
    '# c\r\n---\r\napiVersion: v1\r\nkind: Pod\r\nmetadata: {name: p}\r\nspec:\r\n  containers:\r\n  - image: "é:1"\r\n  - image: "nginx:1"\r\n';
  const [found] = (await findIn(text, 'x.yaml', FIND_OPTIONS)).found;
  assert.ok(found);
  assert.deepEqual([found.line, found.column, found.document, found.object], [9, 13, 1, 'Pod/p']);
});

const broken: [name: string, text: string, message: RegExp, code: string][] = [
  ['broken YAML', 'a: b: c\nimage: x\n', /x\.yaml:1:\d+: not valid YAML: .*left alone/, 'syntax'],
  ['tabs as indentation', 'kind: Pod\nspec:\n\timage: x:1\n', /x\.yaml:3:\d+: not valid YAML/, 'syntax'],
  ['deep nesting', `image: ${'['.repeat(5000)}`, /nested deeper than 100/, 'limit'],
  ['unclosed JSON', '{"image": "x:1"', /not valid YAML/, 'syntax'],
];

for (const [name, text, message, code] of broken) {
  test(`${name} costs only its own document`, async () => {
    const good = 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: ok:1}]}\n';
    const result = await findIn(`${text}\n---\n${good}`, 'x.yaml', FIND_OPTIONS);
    assert.deepEqual(
      result.found.map((item) => item.reference.text),
      ['ok:1'],
    );
    assert.equal(result.problems.length, 1);
    assert.match(String(result.problems[0]), message);
    assert.equal(result.problems[0]?.code, code);
  });
}

test('duplicate keys and an anchor that contains itself neither stop nor loop', async () => {
  const text = podText('  containers:\n  - &c\n    image: a:1\n    image: b:1\n    <<: *c\n');
  const result = await findIn(text, 'x.yaml', FIND_OPTIONS);
  assert.deepEqual(
    result.found.map((item) => item.reference.text),
    ['a:1', 'b:1'],
  );
});

test('no text stalls the search: repeats of what its patterns look for (T30)', async () => {
  const size = 300_000;
  const texts = [
    'mage',
    '"\\u0061',
    '"\\x',
    'image:   ',
    'kind: CustomResourceDefinition\nimage:\n',
    '\n---',
    '#',
    '{{',
    'reference   ',
    '- ',
    '"',
    'tag:\n',
    '&a *a\n',
  ];
  for (const piece of texts) {
    const text = piece.repeat(Math.ceil(size / piece.length));
    const started = performance.now();
    for (const file of ['a.yaml', 'values.yaml', 'templates/a.tpl', 'Dockerfile'])
      await findIn(text, file, FIND_OPTIONS);
    const milliseconds = performance.now() - started;
    assert.ok(milliseconds < 10_000, `${JSON.stringify(piece)}: ${milliseconds.toFixed(0)} ms`);
  }
});
