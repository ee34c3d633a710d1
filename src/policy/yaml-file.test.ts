// YAML that a person wrote: every mistake with line and column, and documents that try to be too large.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { parseYamlFile, positionOf } from './yaml-file.ts';

const Schema = v.strictObject({
  name: v.optional(v.string(), 'none'),
  list: v.optional(v.array(v.strictObject({ n: v.number() })), []),
  map: v.optional(v.record(v.string(), v.number()), {}),
});
const read = (source: string) => parseYamlFile(source, 'f.yaml', Schema);

test('what is read, and what an empty file means', () => {
  assert.deepEqual(read('name: x\nlist: [{n: 1}]\n'), { name: 'x', list: [{ n: 1 }], map: {} });
  for (const empty of ['', '# a comment\n', '---\n', '{}\n']) assert.equal(read(empty).name, 'none');
});

const mistakes: [name: string, source: string, message: RegExp][] = [
  ['no YAML', 'name: "x\n', /^f\.yaml:\d+:\d+: /],
  ['a key twice', 'name: x\nname: y\n', /^f\.yaml:2:1: Map keys must be unique/],
  ['a wrong type', 'list:\n  - n: 1\n  - n: x\n', /^f\.yaml:3:5: list\.1\.n: /],
  ['an unknown key', 'list:\n  - n: 1\n    m: 2\n', /^f\.yaml:3:5: list\.0\.m: there is no setting 'm' here$/],
  ['a missing key is at its parent', 'name: x\nlist:\n  - {}\n', /^f\.yaml:3:\d+: list\.0\.n: /],
  ['the name of a key in a map', 'map:\n  a: 1\n  b: x\n', /^f\.yaml:3:3: map\.b: /],
  [
    'several mistakes, a line each',
    'name: 1\nother: 2\n',
    /^f\.yaml:1:1: name: [^\n]*\nf\.yaml:2:1: other: there is no setting 'other' here$/,
  ],
  ['a scalar in place of everything', 'text\n', /^f\.yaml:1:1: /],
  ['an anchor that does not exist', 'name: *x\n', /^f\.yaml/],
  ['prototype keys are keys like others', '__proto__: {name: x}\n', /./],
];
for (const [name, source, message] of mistakes)
  test(`mistake: ${name}`, () =>
    assert.throws(
      () => read(source),
      (error) => message.test(String(error)) || assert.fail(String(error)),
    ));

test('aliases that multiply are refused, not expanded (T43)', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  assert.throws(() => read(lines.join('\n')), /^Problem: f\.yaml: |alias/i);
});

test('a check after the schema gives mistakes with a place', () => {
  const check = () => [{ path: ['list', 0, 'n'], message: 'too small' }];
  assert.throws(
    () => parseYamlFile('list:\n  - n: 1\n', 'f.yaml', Schema, check),
    /f\.yaml:2:5: list\.0\.n: too small/,
  );
});

test('the place of a value; the nearest parent where it is missing', () => {
  const source = 'name: x\nlist:\n  - n: 1\n  - n: 2\n';
  assert.deepEqual(positionOf(source, ['list', 1]), { line: 4, column: 5 });
  assert.deepEqual(positionOf(source, ['list', 1, 'n']), { line: 4, column: 5 });
  assert.deepEqual(positionOf(source, ['name']), { line: 1, column: 1 });
  assert.deepEqual(positionOf(source, ['nothing']), { line: 1, column: 1 });
  assert.deepEqual(positionOf('', ['nothing']), { line: 1, column: 1 });
});
