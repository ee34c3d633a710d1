import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plural } from './plural.ts';

for (const [count, noun, text] of [
  [1, 'image', '1 image'],
  [0, 'image', '0 images'],
  [2, 'entry', '2 entries'],
  [1, 'entry', '1 entry'],
  [2, 'day', '2 days'],
] as const)
  test(text, () => assert.equal(plural(count, noun), text));
