import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { ACCEPT, DOCKER_LIST, DOCKER_MANIFEST, manifestKind, OCI_INDEX, OCI_MANIFEST } from './media-type.ts';
import { parsePlatform, printPlatform } from './platform.ts';

const spellings: [text: string, printed: string][] = [
  ['linux/amd64', 'linux/amd64'],
  ['LINUX/AMD64 ', 'linux/amd64'],
  ['amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/x86-64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v2', 'linux/amd64/v2'],
  ['linux/i386', 'linux/386'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['windows/amd64', 'windows/amd64'],
  ['linux/s390x', 'linux/s390x'],
];
for (const [text, printed] of spellings)
  test(`${text} is ${printed}`, () => {
    const platform = parsePlatform(text);
    assert.ok(!(platform instanceof Problem));
    assert.equal(printPlatform(platform), printed);
  });

for (const text of ['', '/', 'linux/', '/amd64', 'a/b/c/d', 'linux amd64', 'linux/amd64/', 'linux/ä'])
  test(`'${text}' is no platform`, () => {
    const problem = parsePlatform(text);
    assert.ok(problem instanceof Problem && problem.code === 'usage', String(problem));
  });

test('property: a printed platform is read as the same platform', () => {
  const part = fc.constantFrom('linux', 'windows', 'arm', 'arm64', 'amd64', 'x86_64', 'v7', 'v8', 'v1', '386');
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
      const platform = parsePlatform(parts.join('/'));
      assert.ok(!(platform instanceof Problem));
      const again = parsePlatform(printPlatform(platform));
      assert.deepEqual(again, platform);
    }),
  );
});

const kinds: [type: string, kind: string][] = [
  [OCI_INDEX, 'index'],
  [DOCKER_LIST, 'index'],
  [OCI_MANIFEST, 'manifest'],
  [DOCKER_MANIFEST, 'manifest'],
  [`${OCI_INDEX}; charset=utf-8`, 'index'],
  [` ${OCI_INDEX.toUpperCase()} `, 'index'],
  ['application/vnd.docker.distribution.manifest.v1+json', 'schema1'],
  ['application/vnd.docker.distribution.manifest.v1+prettyjws', 'schema1'],
  [`${OCI_INDEX}x`, 'unknown'],
  [`text/html; ${OCI_INDEX}`, 'unknown'],
  ['', 'unknown'],
];
for (const [type, kind] of kinds) test(`media type '${type}': ${kind}`, () => assert.equal(manifestKind(type), kind));

test('the Accept header never asks for schema 1 (T4)', () => {
  for (const type of ACCEPT.split(', ')) assert.notEqual(manifestKind(type), 'schema1');
  assert.equal(ACCEPT.split(', ').length, 4);
});
