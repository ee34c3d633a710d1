// The table of mutants in docs/threats.md is the one that npm run verify writes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readLists } from '../test/mutants/driver/lists.ts';
import { mutantTable, withTable } from './tables.ts';

test('the table in docs/threats.md is fresh (npm run verify writes it)', async () => {
  const document = readFileSync('docs/threats.md', 'utf8');
  assert.equal(document, withTable(document, mutantTable(await readLists())));
});

test('attacks in the order of their numbers, mutants without one are only counted', () => {
  const mutant = (name: string, threat?: string) => ({
    core: 'c',
    name,
    file: 'f',
    from: 'a',
    to: 'b',
    tests: ['t'],
    ...(threat !== undefined && { threat }),
  });
  const table = mutantTable([mutant('x | y', 'T10'), mutant('z', 'T9'), mutant('none')]);
  assert.match(table, /^3 named mutants in 1 lists; 2 of them/);
  assert.match(table, /\| T9 \| 1 \| c: z \|\n\| T10 \| 1 \| c: x \\\| y \|$/);
  assert.throws(() => withTable('no markers', table), /must have the lines/);
});
