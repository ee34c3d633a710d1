import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { SigstoreStack } from '../../../test/signing/sigstore-stack.ts';
import { Problem } from '../../problem.ts';
import { dataFolder, loadTrustRoot, PUBLIC_GOOD, storeRoot } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-store-'));
let runs = 0;
beforeEach(() => {
  process.env['TAGPROOF_DATA'] = join(folder, `data${++runs}`);
});
after(() => rmSync(folder, { recursive: true, force: true }));
const bytes = new SigstoreStack().trustedRoot();

test('a named file is that file, and a missing one is a problem, never the public-good root', async () => {
  const file = join(folder, 'own.json');
  await assert.rejects(loadTrustRoot(file), (error) => error instanceof Problem && error.code === 'file');
  writeFileSync(file, bytes);
  const { from, bytes: read } = await loadTrustRoot(file);
  assert.equal(from, file);
  assert.deepEqual(read, bytes);
});

test('the public-good root: shipped, until another one is stored', async () => {
  assert.equal((await loadTrustRoot(PUBLIC_GOOD)).from, 'shipped with this version');
  const file = storeRoot(bytes);
  assert.equal((await loadTrustRoot(PUBLIC_GOOD)).from, file);
  assert.ok(file.startsWith(dataFolder()));
});

test('a stored root that is damaged is a problem: the shipped one does not silently take its place', async () => {
  writeFileSync(storeRoot(bytes), 'nonsense');
  await assert.rejects(loadTrustRoot(PUBLIC_GOOD), /expected a trust root/);
});

test('storing replaces the whole file and leaves nothing beside it', () => {
  const file = storeRoot(Buffer.from('first, and longer than the second'));
  storeRoot(bytes);
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(readdirSync(dirname(file)), ['trusted_root.json']);
  mkdirSync(join(folder, 'taken.json'));
  assert.throws(
    () => storeRoot(bytes, join(folder, 'taken.json')),
    (error) => error instanceof Problem && ['file', 'refused'].includes(error.code),
  );
});
