// tagproof.yaml as a whole: defaults, names, the blocklist, and mistakes with their place.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DIGEST, PUBLIC_KEY } from '../../test/policy.ts';
import { NO_CONFIG } from './config.ts';
import { parseConfig, readConfig } from './config-file.ts';

test('an empty file is no configuration', () => assert.deepEqual(parseConfig('', 'c'), NO_CONFIG));

test('a full file', () => {
  const config = parseConfig(
    `version: 1
find:
  exclude: [vendor/]
  ignore: [{image: "localhost/**", reason: built here}]
  fields: [{kinds: [X], paths: [spec.image]}]
platforms: [linux/amd64]
registries: [{host: r.io, plainHttp: true}, {host: 1.dkr.ecr.eu-west-1.amazonaws.com, credentials: amazon}]
blocked: [{digest: "${DIGEST}", repository: ghcr.io/org/app, reason: it leaks}]
exemptions: [{images: ["quay.io/old/*"], namespaces: [legacy], reason: being replaced, until: 2026-12-31}]
`,
    'c',
  );
  assert.equal(config.find.ignore[0]?.reason, 'built here');
  assert.equal(config.registries[0]?.plainHttp, true);
  assert.equal(config.blocked?.[0]?.repository, 'ghcr.io/org/app');
  assert.equal(config.exemptions[0]?.until, '2026-12-31');
});

const AUTHORITY = `authorities: {a: {keys: [${JSON.stringify(PUBLIC_KEY)}], transparencyLog: ignore}}\n`;
const refused: [name: string, text: string, message: RegExp][] = [
  ['no YAML', 'find: [', /^c:\d+:\d+: /],
  ['an unknown setting', 'fnid: {}\n', /^c:1:1: fnid: there is no setting 'fnid' here/],
  ['a missing setting', 'find:\n  ignore:\n  - image: x\n', /^c:3:\d+: find\.ignore\.0\.reason/],
  ['a wrong type', 'platforms: linux\n', /^c:1:1: platforms: .*Expected Array/],
  ['every mistake at once', 'platforms: x\nregistries: y\n', /^c:1:1: platforms: [^\n]*\nc:2:1: registries: /],
  ['another version', 'version: 2\n', /^c:1:1: version: /],
  [
    'a registry with credentials of another cloud',
    'registries: [{host: evil.io, credentials: amazon}]\n',
    /evil\.io is no registry of amazon/,
  ],
  [
    'a registry that only ends like one of the cloud',
    'registries: [{host: evilazurecr.io, credentials: azure}]\n',
    /is no registry of azure/,
  ],
  [
    'two rules of one name',
    'rules: [{name: r, images: ["**"]}, {name: r, images: ["**"]}]\n',
    /^c:1:\d+: rules\.1\.name: two rules are called 'r'/,
  ],
  [
    'an authority that is not defined',
    `${AUTHORITY}rules: [{name: r, images: ["**"], signatures: {all: [b]}}]\n`,
    /^c:2:\d+: rules\.0: rule 'r' names the authority 'b', which is not under authorities/,
  ],
  [
    'the same in an attestation',
    `${AUTHORITY}rules: [{name: r, images: ["**"], attestations: [{type: spdx, by: {any: [a, b]}}]}]\n`,
    /names the authority 'b'/,
  ],
  [
    'a name that every object has',
    'rules: [{name: r, images: ["**"], signatures: {all: [constructor]}}]\n',
    /names the authority 'constructor'/,
  ],
  ['a tag on the blocklist', 'blocked: [{digest: v1, reason: r}]\n', /expected a digest/],
  ['a digest in capitals', `blocked: [{digest: "${DIGEST.toUpperCase()}", reason: r}]\n`, /expected a digest/],
  ['a blocked digest without reason', `blocked: [{digest: "${DIGEST}"}]\n`, /blocked\.0\.reason/],
  [
    'a blocked repository without host',
    `blocked: [{digest: "${DIGEST}", repository: nginx, reason: r}]\n`,
    /expected host\/path/,
  ],
];
for (const [name, text, message] of refused)
  test(`tagproof.yaml is refused: ${name}`, () =>
    assert.throws(
      () => parseConfig(text, 'c'),
      (error) => message.test(String(error)) || assert.fail(String(error)),
    ));

test('the default file may be missing, a named file may not', () => {
  assert.throws(() => readConfig('/nonexistent/tagproof.yaml'), /ENOENT/);
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-config-'));
  const before = process.cwd();
  try {
    process.chdir(folder);
    assert.equal(readConfig(undefined), NO_CONFIG);
    writeFileSync('tagproof.yaml', 'platforms: [linux/arm64]\n');
    assert.deepEqual(readConfig(undefined).platforms, ['linux/arm64']);
    writeFileSync('tagproof.yaml', 'platforms: 5\n');
    assert.throws(() => readConfig(undefined), /Expected Array/);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});
