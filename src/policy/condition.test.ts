import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCondition, holds } from './condition.ts';

const content = {
  predicate: { a: `${'a'.repeat(40)}!`, n: 3, list: [1, 2], big: Array(300).fill(1), t: '2026-01-01T00:00:00Z' },
  predicateType: 'https://example.com/x',
  annotations: { build: '42' },
};

const cases: [expression: string, answer: true | RegExp][] = [
  ['predicate.n >= 3', true],
  ['predicate.n == 4', /is false/],
  ['predicateType == "https://example.com/x"', true],
  ['annotations["build"] == "42"', true],
  ['predicate.list.all(x, x < 3)', true],
  ['timestamp(predicate.t) > timestamp("2020-01-01T00:00:00Z")', true],
  ['has(predicate.missing)', /is false/],
  ['predicate.missing == 1', /No such key/],
  ['predicate.n', /not true or false/],
  // nothing of the language below shows through
  ['predicate.constructor != null', /No such key/],
  ['predicate.__proto__ != null', /No such key/],
  // T30: nothing stalls: neither a pattern nor loops in loops
  ['predicate.a.matches("^(a+)+$")', /took longer than 250 ms/],
  ['predicate.big.all(a, predicate.big.all(b, predicate.big.all(c, true)))', /took longer than 250 ms/],
];
for (const [expression, answer] of cases) {
  test(`condition: ${expression}`, () => {
    assert.equal(checkCondition(expression), undefined);
    const got = holds(expression, content);
    if (answer === true) assert.equal(got, true);
    else assert.match(String(got), answer);
  });
}

test('conditions that cannot be meant are refused when they are read', () => {
  for (const [expression, message] of [
    ['1 + 1', /its type is int, expected bool/],
    ['predicate.', /./],
    ['unknownVariable == 1', /unknownVariable/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /./],
    [Array(3000).fill('true').join(' && '), /./],
  ] as const)
    assert.match(checkCondition(expression) ?? '', message, expression.slice(0, 40));
});
