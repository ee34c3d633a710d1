import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { print, SCHEMAS } from './schema.ts';

for (const [file, schema] of Object.entries(SCHEMAS)) {
  test(`${file} is the schema that the code reads with (npm run schema)`, () =>
    assert.equal(readFileSync(file, 'utf8'), print(schema)));
}
