import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHART } from './chart.ts';

for (const [file, text] of Object.entries(CHART)) {
  test(`${file} is fresh: npm run chart`, () => {
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.doesNotMatch(text, /mark-/);
  });
}
