import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SyntaxProblem } from './syntax-problem.ts';
import { loadReader, parseYaml, ReaderNeeded, splitDocuments } from './yaml.ts';
import { get, getText, type MapNode, type Node, type ScalarNode } from './yaml-node.ts';

const parse = (text: string) => parseYaml(text, 0, text.length);

test('readers are asked for when a document needs one: plain YAML none, other YAML js-yaml, what that refuses the second', async () => {
  // The only test that sees the readers unloaded: it comes first.
  const needs = (reader: string) => (error: unknown) => error instanceof ReaderNeeded && error.reader === reader;
  assert.notEqual(parse('a: b\nimage: "x"\n'), undefined);
  for (const text of ['a: |\n  b\n', 'a: "\\n"\n', 'a: &x b\n', 'a: b\r\n', 'z:\n  y: [\n    1\n  ]\n'])
    assert.throws(() => parse(text), needs('events'), text);
  await loadReader({ reader: 'events' });
  assert.notEqual(parse('a: |\n  b\n'), undefined);
  assert.throws(() => parse('z:\n  y: [\n    1\n  ]\n'), needs('second'));
  await loadReader({ reader: 'second' });
  assert.notEqual(parse('z:\n  y: [\n    1\n  ]\n'), undefined);
});

const streams: [text: string, documents: string[]][] = [
  ['', ['']],
  ['a: 1\n', ['a: 1\n']],
  ['a\n---\nb\n', ['a\n', '---\nb\n']],
  ['---\na\n--- # c\nb', ['---\na\n', '--- # c\nb']],
  ['a\r\n---\r\nb', ['a\r\n', '---\r\nb']],
  ['a\n---\tb', ['a\n', '---\tb']],
  ['a\n---', ['a\n', '---']],
  ['a\n---b\n----\n', ['a\n---b\n----\n']],
  [' ---\n', [' ---\n']],
];
for (const [text, documents] of streams)
  test(`documents of ${JSON.stringify(text)}`, () =>
    assert.deepEqual(
      splitDocuments(text).map(([start, end]) => text.slice(start, end)),
      documents,
    ));

test('property: the documents are the whole text, one after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', '---', ' ', '\r', '-')), (pieces) => {
      const text = pieces.join('');
      assert.equal(
        splitDocuments(text)
          .map(([start, end]) => text.slice(start, end))
          .join(''),
        text,
      );
    }),
  );
});

/** One value in every style: what it is, and the characters of its range. */
const scalars: [text: string, value: string, style: string, range: string][] = [
  ['a: x y # c\n', 'x y', 'plain', 'x y'],
  ["a: 'it''s'\n", "it's", 'single', "it''s"],
  ['a: "\\u0061\\n"\n', 'a\n', 'double', '\\u0061\\n'],
  ['a: &x !!str v\n', 'v', 'plain', 'v'],
  ['a: |\n  one\n   two\n', 'one\n two\n', 'literal', '  one\n   two\n'],
  ['a: >-\n  one\n  two\n', 'one two', 'folded', '  one\n  two\n'],
  ['a:\nb: 1\n', '', 'plain', ''],
  ['a:  \n', '', 'plain', ''],
  ['{"a": "x"}', 'x', 'double', 'x'],
  ['a: |2-\n\n   x\n', '\n x', 'literal', '\n   x\n'],
];
for (const [text, value, style, range] of scalars)
  test(`scalar of ${JSON.stringify(text)}`, () => {
    const node = get(parse(text), 'a') as ScalarNode;
    assert.deepEqual([node.value, node.style, text.slice(node.start, node.end)], [value, style, range]);
  });

test('an empty value begins after its colon, where it would be written', () => {
  const node = get(parse('a:\nb: 1\n'), 'a') as ScalarNode;
  assert.deepEqual([node.start, node.end], [2, 2]);
});

test('a block scalar says how much indentation its lines lose', () => {
  assert.equal((get(parse('a: |\n    x\n      y\n'), 'a') as ScalarNode).indent, 4);
  assert.equal((get(parse('a: x\n'), 'a') as ScalarNode).indent, -1);
});

test('offsets are those of the whole text, also in a later document', () => {
  const text = 'x: 1\n---\na: {b: [v]}\n';
  const [, [start, end]] = splitDocuments(text) as [[number, number], [number, number]];
  const list = get(get(parseYaml(text, start, end), 'a'), 'b');
  const item = (list?.kind === 'seq' ? list.items[0] : undefined) as ScalarNode;
  assert.equal(text.slice(item.start, item.end), 'v');
  assert.equal(item.start, text.indexOf('v'));
});

test('empty documents are undefined', () => {
  for (const text of ['', '\n', '# c\n']) assert.equal(parse(text), undefined, JSON.stringify(text));
});

test('flow and block mappings are told apart', () => {
  assert.equal((parse('{a: 1}') as MapNode).flow, true);
  assert.equal((parse('a: 1\n') as MapNode).flow, false);
});

test('a key that is a collection names no field, and its value is read', () => {
  const map = parse('? [a, b]\n: v\nc: d\n') as MapNode;
  assert.deepEqual(
    map.entries.map(({ key, value }) => [key.value, (value as ScalarNode).value]),
    [
      ['', 'v'],
      ['c', 'd'],
    ],
  );
});

const refused: [name: string, text: string, code: string, message: RegExp, offset: number][] = [
  ['a mapping in a value', 'a: b: c\n', 'syntax', /not valid YAML: .*left alone/, 4],
  ['an open bracket', 'a: [1, 2\n', 'syntax', /not valid YAML/, 9],
  ['deep nesting', `a: ${'['.repeat(200)}`, 'limit', /deeper than 100/, 0],
  [
    'deep nesting in block style',
    Array.from({ length: 120 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
    'limit',
    /deeper than 100/,
    0,
  ],
];
for (const [name, text, code, message, offset] of refused)
  test(`refused: ${name}`, () =>
    assert.throws(
      () => parse(text),
      (error) =>
        error instanceof SyntaxProblem && error.code === code && message.test(error.message) && error.offset === offset,
    ));

test('the offset of an error is one of the whole text', () => {
  const text = 'ok: 1\n---\na: b: c\n';
  assert.throws(
    () => parseYaml(text, 6, text.length),
    (error) => error instanceof SyntaxProblem && error.offset === text.indexOf(': c'),
  );
});

// --- both readers ---

/**
 * A tree without what the readers may tell differently: indentation of block scalars, and where
 * collections begin.
 */
function plain(node: Node | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === 'scalar') return { value: node.value, style: node.style, at: [node.start, node.end] };
  if (node.kind === 'seq') return node.items.map(plain);
  if (node.kind === 'alias') return { alias: plain(node.target) };
  return node.entries.map(({ key, value }) => [plain(key), plain(value)]);
}

/** A closing bracket at the indentation of its key, which only the second reader takes. */
const REFUSED = 'zz:\n  y: [\n    1\n  ]\n';
const both: string[] = [
  'a: x\nb: "y z" # c\nc: \'w\'\n',
  'a:\n- b: 1\n- [c, {d: e}]\n',
  'a: &x v\nb: *x\n',
  'a: &m {k: v}\nb: {<<: *m}\n',
  'a:\nb: ~\nc: ""\n',
  '? k\n: v\n',
  'é: "ü\\n"\n',
];
for (const text of both)
  test(`both readers give the same tree: ${JSON.stringify(text)}`, () => {
    const first = parse(text) as MapNode;
    const second = parse(text + REFUSED) as MapNode;
    assert.deepEqual(plain({ ...second, entries: second.entries.slice(0, -1) }), plain(first));
  });

test('the second reader: block scalars and their indentation', () => {
  const text = `a: |\n   one\n     two\n${REFUSED}`;
  const node = get(parse(text), 'a') as ScalarNode;
  assert.deepEqual([node.style, node.value, node.indent], ['literal', 'one\n  two\n', 3]);
  assert.ok(text.slice(node.start, node.end).startsWith('   one'));
});

test('the second reader refuses what neither takes, with the problem that the first found', () => {
  assert.throws(() => parse(`a: b: c\n${REFUSED}`), /not valid YAML/);
});

test('get: the last of duplicate keys, merges, aliases, and an anchor that contains itself', () => {
  assert.equal(getText(parse('a: 1\na: 2\n'), 'a'), '2');
  assert.equal(
    getText(parse('x: &x {k: v}\ny: {<<: *x}\n') && get(parse('x: &x {k: v}\ny: {<<: *x}\n'), 'y'), 'k'),
    'v',
  );
  assert.equal(getText(get(parse('x: &x {k: v}\ny: {<<: *x, k: w}\n'), 'y'), 'k'), 'w', 'a key of its own wins');
  assert.equal(getText(get(parse('x: &x {k: 1}\nz: &z {m: 2}\ny: {<<: [*x, *z]}\n'), 'y'), 'm'), '2');
  assert.equal(getText(get(parse('y: &y {<<: *y, k: v}\n'), 'y'), 'none'), undefined);
  assert.equal(getText(parse('a: *missing\n'), 'a'), undefined);
  assert.equal(getText(parse('a: [1]\n'), 'a'), undefined);
  assert.equal(get(undefined, 'a'), undefined);
});
