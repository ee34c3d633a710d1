// tagproof.yaml as a whole: defaults, names, the blocklist, and mistakes with their place.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { DIGEST, PUBLIC_KEY } from '../../test/policy.ts';
import { NO_CONFIG } from './config.ts';
import { parseConfig, readConfig } from './config-file.ts';
import { authoritiesFrom } from './config-paths.ts';
import { policyHash } from './hash.ts';

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

test('a file that is named and missing, or wrong, is a problem', () => {
  assert.throws(() => readConfig('/nonexistent/tagproof.yaml'), /ENOENT/);
  const file = join(mkdtempSync(join(tmpdir(), 'tagproof-config-')), 'tagproof.yaml');
  try {
    writeFileSync(file, 'platforms: 5\n');
    assert.throws(() => readConfig(file), /Expected Array/);
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
});

test('P15: paths of files begin at the folder of the configuration, and the hash of the policy does not see the folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-config-'));
  const file = join(folder, 'tagproof.yaml');
  const text = `registries: [{host: a.example.com, ca: certs/a.pem}, {host: b.example.com, ca: /etc/b.pem}]
hostsDir: certs.d
authorities:
  n: {notary: {roots: [${JSON.stringify(PUBLIC_KEY)}], ca: n.pem}}
  c: {identities: [{issuer: "https://i", subject: s}], trustRoot: root.json}
  p: {identities: [{issuer: "https://i", subject: s}]}
rules: [{name: r, images: ["**"], signatures: {all: [c]}}]
alarms: {sinks: [{name: s, kind: slack, urlFile: slack.txt}]}
`;
  try {
    writeFileSync(file, text);
    const config = readConfig(file);
    assert.deepEqual(
      config.registries.map(({ ca }) => ca),
      [join(folder, 'certs/a.pem'), '/etc/b.pem'],
    );
    assert.equal(config.hostsDir, join(folder, 'certs.d'));
    assert.equal(config.alarms?.sinks[0]?.urlFile, join(folder, 'slack.txt'));
    const { n, c, p } = authoritiesFrom(config.authorities, config.folder);
    assert.equal(n?.kind === 'notary' && n.ca, join(folder, 'n.pem'));
    assert.equal(c?.kind === 'cosign' && c.trustRoot, join(folder, 'root.json'));
    assert.equal(p?.kind === 'cosign' && p.trustRoot, 'public-good');
    assert.equal(policyHash(config), policyHash(parseConfig(text, 'tagproof.yaml')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
