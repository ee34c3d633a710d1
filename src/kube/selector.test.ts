// Label selectors as apimachinery evaluates them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesLabels, type Selector } from './selector.ts';

type Operator = NonNullable<Selector['matchExpressions']>[number]['operator'];
const expression = (operator: Operator, values?: string[]): Selector => ({
  matchExpressions: [{ key: 'a', operator, ...(values !== undefined && { values }) }],
});

const runs: [name: string, selector: Selector | undefined, labels: Record<string, string>, matches: boolean][] = [
  ['no selector matches everything', undefined, {}, true],
  ['an empty selector matches everything', {}, { a: '1' }, true],
  ['matchLabels: equal', { matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
  ['matchLabels: another value', { matchLabels: { a: '1' } }, { a: '2' }, false],
  ['matchLabels: missing', { matchLabels: { a: '1' } }, {}, false],
  ['matchLabels: all of them', { matchLabels: { a: '1', b: '2' } }, { a: '1' }, false],
  ['In: listed', expression('In', ['1', '2']), { a: '2' }, true],
  ['In: not listed', expression('In', ['1', '2']), { a: '3' }, false],
  ['In: missing', expression('In', ['1']), {}, false],
  ['NotIn: listed', expression('NotIn', ['1']), { a: '1' }, false],
  ['NotIn: not listed', expression('NotIn', ['1']), { a: '2' }, true],
  ['NotIn: missing matches', expression('NotIn', ['1']), {}, true],
  ['Exists: present', expression('Exists'), { a: '' }, true],
  ['Exists: missing', expression('Exists'), {}, false],
  ['DoesNotExist: present', expression('DoesNotExist'), { a: '' }, false],
  ['DoesNotExist: missing', expression('DoesNotExist'), {}, true],
  [
    'labels and expressions must both match',
    { matchLabels: { b: '1' }, ...expression('Exists') },
    { a: '1', b: '2' },
    false,
  ],
];
for (const [name, selector, labels, matches] of runs)
  test(name, () => assert.equal(matchesLabels(selector, labels), matches));
