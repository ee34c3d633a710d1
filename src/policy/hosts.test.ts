// The hosts that a policy names: only these may have private addresses (T46).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PUBLIC_KEY } from '../../test/policy.ts';
import { parseConfig } from './config-file.ts';
import { namedHosts, namesHost } from './hosts.ts';

const config = parseConfig(
  JSON.stringify({
    authorities: { a: { keys: [PUBLIC_KEY], signatureRepository: 'sigs.corp:5000/x' }, b: { keys: [PUBLIC_KEY] } },
    registries: [{ host: 'r.corp' }],
    rules: [
      { name: 'all', images: ['**'] },
      { name: 'ours', images: ['ghcr.io/org/**', '*.example.com/team/*'], registries: ['*.mirror.corp', 'quay.io'] },
    ],
    exemptions: [{ images: ['legacy.corp:8080/**'], reason: 'old' }],
  }),
  'c',
);

test('patterns, registries, exemptions, signature repositories, and Docker Hub; each once', () => {
  assert.deepEqual(namedHosts(config), [
    'docker.io',
    'ghcr.io',
    '*.example.com',
    'legacy.corp:8080',
    '*.mirror.corp',
    'quay.io',
    'r.corp',
    'sigs.corp:5000',
  ]);
});

const hosts: [host: string, named: boolean][] = [
  ['docker.io', true],
  ['ghcr.io', true],
  ['r.example.com', true],
  ['a.mirror.corp', true],
  ['legacy.corp:8080', true],
  ['sigs.corp:5000', true],
  ['example.com', false],
  ['evilexample.com', false],
  ['legacy.corp', false],
  ['ghcr.io.evil.com', false],
  ['169.254.169.254', false],
  ['**', false],
  ['', false],
];
for (const [host, named] of hosts)
  test(`host '${host}' is ${named ? 'named' : 'not named'}`, () => assert.equal(namesHost(config)(host), named));

test('a rule for every image names no host', () => {
  assert.deepEqual(namedHosts(parseConfig('rules: [{name: r, images: ["**"]}]', 'c')), ['docker.io']);
});
