import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDigest, shortDigest } from './digest.ts';
import { digestOf } from './hash.ts';
import { manifestKind } from './media-type.ts';
import { matchesPattern } from './pattern.ts';
import { parsePlatform, printPlatform } from './platform.ts';

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
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    'constructor:x',
  ]) {
    assert.ok(!isDigest(bad), bad);
  }
});

test('platform: spelling and implied variants', () => {
  for (const [text, printed] of [
    ['linux/amd64', 'linux/amd64'],
    ['amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['windows/amd64', 'windows/amd64'],
  ] as const) {
    assert.equal(printPlatform(parsePlatform(text) as never), printed);
  }
  assert.match(String(parsePlatform('a/b/c/d')), /not a platform/);
});

test('media types', () => {
  assert.equal(manifestKind('application/vnd.oci.image.index.v1+json; charset=utf-8'), 'index');
  assert.equal(manifestKind('application/vnd.docker.distribution.manifest.v1+prettyjws'), 'schema1');
  assert.equal(manifestKind('text/html'), 'unknown');
});

test('pattern: anchored, * within a segment, ** across (T25, T26, T30)', () => {
  const table: [pattern: string, name: string, matches: boolean][] = [
    ['ghcr.io/org/*', 'ghcr.io/org/a', true],
    ['ghcr.io/org/*', 'ghcr.io/org/a/b', false],
    ['ghcr.io/org/**', 'ghcr.io/org/a/b', true],
    ['ghcr.io/org*', 'ghcr.io/org-evil/x', false],
    ['ghcr.io/org/**', 'ghcr.io.evil.com/org/x', false],
    ['*.example.com/**', 'attacker.com/x.example.com/org/evil', false],
    ['**/nginx', 'docker.io/library/nginx', true],
    ['docker.io/library/*', 'docker.io/library/nginx', true],
    ['a*c*e', 'abcde', true],
    ['a*c*e', 'abcd', false],
  ];
  for (const [pattern, name, matches] of table)
    assert.equal(matchesPattern(pattern, name), matches, `${pattern} ${name}`);
  const started = performance.now();
  matchesPattern(`${'*a'.repeat(40)}b`, 'a'.repeat(2000));
  assert.ok(performance.now() - started < 200);
});
