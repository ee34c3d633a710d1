// What a proof leaves behind: nothing, whether it ends well or with an exception.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { proveRendered } from './prove.ts';

test('the copy is gone after the proof, and after one that fails; the tree is as it was', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'tagproof-proof-'));
  const [top, own, outer] = [join(base, 'tree'), join(base, 'tmp'), process.env['TMPDIR']];
  for (const folder of [top, own]) mkdirSync(folder);
  process.env['TMPDIR'] = own;
  t.after(() => {
    if (outer === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outer;
    rmSync(base, { recursive: true });
  });
  writeFileSync(join(top, 'a.yaml'), 'a: 1\n');
  const prove = (before: string) =>
    proveRendered({
      top,
      edited: [{ path: 'a.yaml', before: Buffer.from(before), after: Buffer.from('a: 2\n') }],
      isDigestOf: () => () => false,
      signal: new AbortController().signal,
      progress: () => {},
    });
  assert.deepEqual(await prove('a: 1\n'), { kustomizations: [], charts: [], notRendered: [], refused: [] });
  assert.deepEqual(readdirSync(own), []);
  await assert.rejects(prove('a: 0\n'), { code: 'changed' });
  assert.deepEqual(readdirSync(own), []);
  assert.equal(readFileSync(join(top, 'a.yaml'), 'utf8'), 'a: 1\n');
});
