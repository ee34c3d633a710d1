// docs/threats.md names only tests that exist.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROWS = readFileSync(new URL('../docs/threats.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'));

/**
 * `policy/match` is a test file in src, `test/real/notary` one outside it, and `bench/tags` a
 * measurement. A folder is no test: nothing would notice when its last test goes.
 */
const exists = (name: string) =>
  [`src/${name}.test.ts`, `${name}.test.ts`, ...(name.startsWith('bench/') ? [`${name}.ts`] : [])].some((path) =>
    existsSync(new URL(`../${path}`, import.meta.url)),
  );

test('each test that the list of attacks names exists', () => {
  const names = [...ROWS.join('\n').matchAll(/`([a-z-]+\/[a-z0-9/-]+)`/g)].map(([, name = '']) => name);
  assert.ok(names.length > 30, `only ${names.length} names found`);
  assert.deepEqual(
    [...new Set(names)].filter((name) => !exists(name)),
    [],
  );
});
