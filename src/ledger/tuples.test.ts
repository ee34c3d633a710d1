// Lists of tuples in SQL, and the names of what is polled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import { pollName, pollTuple, tuples } from './tuples.ts';

const compiler = new Kysely({ dialect: new PostgresDialect({ pool: {} as never }) });
const compiled = (rows: readonly (readonly string[])[]) => tuples(rows).compile(compiler);

test('rows become parameters, never text of the statement', () => {
  const found = compiled([
    ['a', `'; drop table event; --`],
    ['b', 'c'],
  ]);
  assert.equal(found.sql, 'values ($1, $2), ($3, $4)');
  assert.deepEqual(found.parameters, ['a', `'; drop table event; --`, 'b', 'c']);
});

test('equal rows appear once; rows that only look equal when joined stay apart', () => {
  assert.deepEqual(compiled([['a', 'b'], ['a', 'b'], ['a,b'], ['ab']]).parameters, ['a', 'b', 'a,b', 'ab']);
});

test('a poll is named as an image is', () => {
  const name = { registry: 'docker.io', repository: 'library/nginx', tag: '1.27' };
  assert.equal(pollName(name), 'docker.io/library/nginx:1.27');
  assert.deepEqual(pollTuple(name), ['docker.io', 'library/nginx', '1.27']);
});
