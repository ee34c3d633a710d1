// A command loads what it uses and no more: what its file imports at once, and what those files import, is read at every start.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

/** Every module that is loaded with a file: files of this tree, and packages by name. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type )(?:[^;'"]*? from )?'([^']+)';/gms,
  );
  for (const { 0: text, 1: name = '' } of statements) {
    const names = /\{([^}]*)\}/.exec(text)?.[1];
    const onlyTypes = names?.split(',').every((part) => part.trim() === '' || part.trim().startsWith('type '));
    if (onlyTypes && !/^import \w/.test(text)) continue;
    if (name.startsWith('.')) loadedWith(join(dirname(file), name), seen);
    else seen.add(name);
  }
  return seen;
}

const PIN = ['undici', 'yaml', 'node:sqlite', 'dockerfile-ast', 'src/registry/client.ts'];
const CASES: Record<string, readonly string[]> = {
  'src/cli/main.ts': [...PIN, 'commander', 'js-yaml', 'valibot'],
  'src/cli/pin/scan.ts': [
    ...PIN,
    'js-yaml',
    'valibot',
    'src/graph/graph.ts',
    'src/commit/commit.ts',
    'src/lock/lock.ts',
  ],
  'src/cli/pin/check.ts': [...PIN, 'js-yaml', 'src/commit/commit.ts', 'src/verify/verify.ts'],
  'src/cli/pin/pin.ts': [...PIN, 'js-yaml', 'src/verify/verify.ts'],
  'src/cli/cluster/serve.ts': [...PIN, 'commander'],
  'src/cli/cluster/serve-admission.ts': [...PIN, 'js-yaml', 'src/admission/server.ts'],
  'src/cli/cluster/serve-watcher.ts': [...PIN, 'js-yaml', 'kysely', 'src/watcher/watcher.ts', 'src/api/api.ts'],
};

for (const [file, unused] of Object.entries(CASES)) {
  test(`${file} loads none of what it may never use`, () => {
    const loaded = loadedWith(file);
    assert.deepEqual(
      unused.filter((name) => loaded.has(name)),
      [],
    );
  });
}

test('the modules that a file loads are followed', () => {
  const loaded = loadedWith('src/cli/cluster/watch-clusters.ts');
  for (const name of ['src/watcher/watcher.ts', 'src/ledger/ledger.ts', '@hono/node-server', 'node:https'])
    assert.ok(loaded.has(name), name);
});
