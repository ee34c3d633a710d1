// Imports go one way: a file imports its own folder and lower layers, never a sibling folder. ARCHITECTURE.md, "Layers".
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';

const LAYERS: Record<string, number> = {
  '.': 0,
  image: 1,
  sigstore: 1,
  source: 2,
  registry: 2,
  engine: 2,
  lock: 2,
  kube: 2,
  ledger: 2,
  policy: 2,
  report: 2,
  resolve: 3,
  verify: 3,
  sign: 3,
  judge: 4,
  survey: 5,
  serve: 6,
  cli: 7,
};
const ROOT = resolve('src');
const folderOf = (path: string) =>
  relative(ROOT, path).includes('/') ? (relative(ROOT, path).split('/')[0] as string) : '.';

for (const file of globSync('src/**/*.ts').filter((name) => !name.endsWith('.test.ts'))) {
  const own = folderOf(resolve(file));
  test(`${file} imports downwards`, () => {
    assert.ok(own in LAYERS, `${own} has no layer`);
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const other = folderOf(resolve(dirname(file), target as string));
      if (other === own) continue;
      assert.ok((LAYERS[other] as number) < (LAYERS[own] as number), `${own} must not import ${other}`);
    }
  });
}

test('pure stages do no input or output', () => {
  for (const file of globSync([
    'src/image/*.ts',
    'src/report/*.ts',
    'src/source/{find,walk,split,slot,yaml,collector,diff}.ts',
  ])) {
    if (file.endsWith('.test.ts')) continue;
    assert.doesNotMatch(readFileSync(file, 'utf8'), /from 'node:(fs|net|http|dns|child_process)/, file);
  }
});
