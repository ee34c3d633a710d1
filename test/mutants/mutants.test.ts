// Every named mutant can be applied: its text occurs once, the mutated file parses, its tests exist. Whether it dies: npm run mutants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFailure } from './driver/execute.ts';
import { sample } from './driver/generate.ts';
import { applyMutant, readLists } from './driver/lists.ts';

const mutants = await readLists();

test('each mutant applies to its file as it is now', () => {
  const errors = mutants.flatMap((mutant) => {
    const applied = applyMutant(mutant);
    return 'error' in applied ? [`${mutant.core}: ${mutant.name}: ${applied.error}`] : [];
  });
  assert.deepEqual(errors, []);
});

test('a core names each of its mutants once, and a threat by its number', () => {
  const names = mutants.map(({ core, name }) => `${core}: ${name}`);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
  for (const { name, threat } of mutants) assert.match(threat ?? 'T1', /^T\d+$/, name);
});

test('a text that occurs twice, or never, or that does not parse afterwards is an error', () => {
  const mutant = { name: 'x', file: 'test/mutants/mutant.ts', to: 'x', tests: ['test/mutants/mutants.test.ts'] };
  const errorOf = (from: string, to = 'x') => (applyMutant({ ...mutant, from, to }) as { error?: string }).error;
  assert.match(errorOf('readonly') ?? '', /occurs \d+ times/);
  assert.match(errorOf('no such text') ?? '', /occurs 0 times/);
  assert.match(errorOf('export type Mutant = {', 'export type Mutant = ') ?? '', /does not parse/);
  assert.equal(errorOf('export type Mutant = {', 'export type Mutation = {'), undefined);
});

test('the first failed test of a TAP report, without its escapes', () => {
  assert.equal(firstFailure('ok 1 - a\n    not ok 1 - inner \\# 1\nnot ok 2 - outer\n'), 'inner # 1');
  assert.equal(firstFailure('ok 1 - a\n'), undefined);
});

test('a sample is the same for the same seed, in the order of the text', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  assert.deepEqual(sample(items, 10, 1), sample(items, 10, 1));
  assert.notDeepEqual(sample(items, 10, 1), sample(items, 10, 2));
  assert.deepEqual(
    sample(items, 10, 3),
    [...sample(items, 10, 3)].sort((a, b) => a - b),
  );
  assert.deepEqual(sample(items, 99, 1), items);
});
