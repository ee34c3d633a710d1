import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson5 } from './json5.ts';

const cases: [name: string, text: string, value: unknown][] = [
  ['comments and trailing commas', '// a "b"\n{"a": [1, 2, /* , */ ], // c\n}', { a: [1, 2] }],
  ['bare keys and single quotes', "{a: 'it\\'s \"x\"', b: true, c: null}", { a: 'it\'s "x"', b: true, c: null }],
  ['escapes of patterns', `{p: '\\\\s(?<a>\\\\d+)', q: "\\\\s"}`, { p: '\\s(?<a>\\d+)', q: '\\s' }],
  ['what looks like a comment or a comma in a string', `{a: "https://x", b: "1,]"}`, { a: 'https://x', b: '1,]' }],
  ['a line that goes on', '{a: "x\\\ny"}', { a: 'xy' }],
  ['no JSON5', '{a: ', undefined],
];
for (const [name, text, value] of cases) test(`JSON5: ${name}`, () => assert.deepEqual(parseJson5(text), value));

test('property: JSON is JSON5', () =>
  fc.assert(fc.property(fc.json(), (text) => assert.deepEqual(parseJson5(text), JSON.parse(text)))));
