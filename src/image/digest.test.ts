import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDigest, shortDigest } from './digest.ts';
import { digestOf } from './hash.ts';

test('digest: hashes, checks, shortens', () => {
  const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  assert.equal(digestOf(''), empty);
  assert.equal(digestOf('', `sha512:${'0'.repeat(128)}`).length, 'sha512:'.length + 128);
  assert.ok(isDigest(empty));
  assert.equal(shortDigest(empty), 'sha256:e3b0c44298fc');
  for (const bad of [
    '',
    'sha256:',
    'sha256',
    empty.toUpperCase(),
    `${empty}0`,
    `${empty}\n`,
    ` ${empty}`,
    `x${empty}`,
    `sha512:${'0'.repeat(64)}`,
    `sha256:${'0'.repeat(128)}`,
    `sha256:${'g'.repeat(64)}`,
    `SHA256:${'0'.repeat(64)}`,
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    'constructor:x',
  ]) {
    assert.ok(!isDigest(bad), bad);
  }
});

test('the other algorithms of the grammar', () => {
  for (const [algorithm, length] of [
    ['sha384', 96],
    ['sha512', 128],
  ] as const) {
    assert.ok(isDigest(`${algorithm}:${'a'.repeat(length)}`));
    assert.ok(isDigest(digestOf('x', algorithm)));
  }
});
