import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Problem } from '../../problem.ts';
import { keepVersions, readVersions } from './state.ts';

const data = mkdtempSync(join(tmpdir(), 'tagproof-state-'));
process.env['TAGPROOF_DATA'] = data;
after(() => rmSync(data, { recursive: true, force: true }));
const folder = join(data, 'notary');
const SERVER = 'https://notary.test';

test('versions are kept for each server and repository, and never lowered', () => {
  assert.deepEqual(readVersions(SERVER, 'a'), {});
  keepVersions(SERVER, 'a', { root: 2, targets: 5 });
  keepVersions(SERVER, 'a', { root: 3, targets: 4, snapshot: 1 });
  assert.deepEqual(readVersions(SERVER, 'a'), { root: 3, targets: 5, snapshot: 1 });
  assert.deepEqual(readVersions(SERVER, 'b'), {});
  assert.deepEqual(readVersions('https://other.test', 'a'), {});
  assert.equal(readdirSync(folder).length, 1, 'one file, and nothing temporary beside it');
});

test('state that is damaged, or of another repository, is a problem and not "never seen"', () => {
  keepVersions(SERVER, 'c', { root: 1 });
  const files = readdirSync(folder).map((name) => join(folder, name));
  for (const text of ['', '{', '{"gun":"c"}', '{"gun":"other","versions":{}}', '{"gun":"c","versions":{"root":"2"}}']) {
    for (const file of files) writeFileSync(file, text);
    assert.throws(
      () => readVersions(SERVER, 'c'),
      (error) => error instanceof Problem && error.code === 'file',
      text,
    );
    assert.throws(() => keepVersions(SERVER, 'c', { root: 9 }), /damaged/, 'and it is not overwritten');
  }
});
