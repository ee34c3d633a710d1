// Imports go one way, without circles, and a file that calls itself pure reaches neither clock nor I/O. ARCHITECTURE.md, "Layers".
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';

/** A file imports its own folder and lower layers, never a sibling folder. */
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
  commit: 2,
  graph: 3,
  render: 3,
  resolve: 3,
  verify: 3,
  sign: 3,
  evaluate: 4,
  inventory: 5,
  install: 6,
  admission: 7,
  watcher: 7,
  doctor: 7,
  api: 8,
  cli: 9,
};
const ROOT = resolve('src');
const FILES = globSync('src/**/*.ts')
  .filter((name) => !name.endsWith('.test.ts'))
  .sort();
const folderOf = (path: string) =>
  relative(ROOT, path).includes('/') ? (relative(ROOT, path).split('/')[0] as string) : '.';
const textOf = new Map(FILES.map((file) => [resolve(file), readFileSync(file, 'utf8')]));

/** Modules that a file imports by a relative path. @param types whether `import type` counts; lazy imports always do */
function importsOf(file: string, lazy: boolean): string[] {
  const text = textOf.get(file) ?? '';
  const pattern = lazy ? /(?:from|import\()\s*'(\.[^']+)'/g : /from\s*'(\.[^']+)'/g;
  return [...text.matchAll(pattern)].map(([, target]) => resolve(dirname(file), target as string));
}

for (const file of FILES) {
  const own = folderOf(resolve(file));
  test(`${file} imports downwards`, () => {
    assert.ok(own in LAYERS, `${own} has no layer`);
    for (const target of importsOf(resolve(file), true)) {
      const other = folderOf(target);
      if (other === own) continue;
      assert.ok((LAYERS[other] as number) < (LAYERS[own] as number), `${own} must not import ${other}`);
    }
  });
}

test('no file imports itself by way of others, not even for a type', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: readonly string[]) => {
    if (path.includes(file))
      return void circles.push(
        [...path.slice(path.indexOf(file)), file].map((name) => relative(ROOT, name)).join(' → '),
      );
    if (done.has(file)) return;
    for (const next of importsOf(file, true)) if (textOf.has(next)) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of textOf.keys()) walk(file, []);
  assert.deepEqual(circles, []);
});

/** What reaches the world: Node's modules with I/O, the network, the process, the clock, chance. */
const IMPURE =
  /from 'node:(?:fs|net|http|https|http2|tls|dns|child_process|worker_threads|os|process)|\bfetch\(|\bprocess\.|\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\bset(?:Timeout|Interval)\(/;

/** The comment at the top of a file, in one line. */
const headOf = (text: string) => /^(?:#!.*\n)?((?:\/\/.*\n)+)/.exec(text)?.[1]?.replaceAll(/\n?\/\/ ?/g, ' ') ?? '';
const isPure = (file: string, text: string) =>
  /\bPure\b/.test(headOf(text)) || ['image', 'report'].includes(folderOf(file));
const withoutComments = (text: string) => text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '').replaceAll(/\s\/\/ .*$/gm, '');

for (const [file, text] of textOf) {
  if (!isPure(file, text)) continue;
  test(`${relative(ROOT, file)} is pure: no clock, no I/O, and nothing that it imports has any`, () => {
    const seen = new Set<string>();
    const visit = (name: string) => {
      if (seen.has(name)) return;
      seen.add(name);
      const found = IMPURE.exec(withoutComments(textOf.get(name) ?? ''))?.[0];
      assert.equal(found, undefined, `${relative(ROOT, name)} reaches ${found}`);
      for (const next of valueImportsOf(name)) if (textOf.has(next)) visit(next);
    };
    visit(file);
  });
}

/** Imports that are there at run time; types reach nothing. */
function valueImportsOf(file: string): string[] {
  const text = textOf.get(file) ?? '';
  return [...text.matchAll(/^import (type )?([^;]*?) from '(\.[^']+)'/gms)].flatMap(([, type, names, target]) => {
    const onlyTypes = /^\{[^}]*\}$/.test((names ?? '').trim()) && !/[{,]\s*(?!type\b)\w/.test(names ?? '');
    return type !== undefined || onlyTypes ? [] : [resolve(dirname(file), target as string)];
  });
}

test('one exported name stands for one thing in the whole tree', () => {
  const homes = new Map<string, string[]>();
  // Each command of the command line is loaded by its file and started by `run`.
  for (const [file, text] of textOf)
    for (const [, name] of text.matchAll(
      /^export (?:async )?(?:abstract )?(?:function\*?|class|type|interface|const|let|enum) (\w+)/gm,
    ))
      if (name !== 'run') homes.set(name as string, [...(homes.get(name as string) ?? []), relative(ROOT, file)]);
  const shared = [...homes]
    .filter(([, files]) => files.length > 1)
    .map(([name, files]) => `${name}: ${files.join(', ')}`);
  assert.deepEqual(shared, []);
});
