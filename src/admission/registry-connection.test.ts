// When a new policy gets new connections to registries, and when it keeps the old ones with their leases.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { parseConfig } from '../policy/config-file.ts';
import { type Connection, connect } from './registry-connection.ts';

const opened: Connection[] = [];
after(() => Promise.all(opened.map(({ transport }) => transport.close())));
const open = (config: string, before?: Connection, more: object = {}) => {
  const connection = connect(parseConfig(config, 'test'), { userAgent: 'test', ...more }, before);
  opened.push(connection);
  return connection;
};
const RULE = (host: string, name = 'r') => `rules: [{name: ${name}, images: ["${host}/**"], digest: required}]\n`;

test('a policy with the same hosts and settings keeps the connection, and so the leases', () => {
  const first = open(RULE('a.io'));
  assert.equal(open(RULE('a.io', 'renamed'), first), first);
});

test('a policy that names another host or other settings gets a new one (T46)', () => {
  const first = open(RULE('a.io'));
  assert.notEqual(open(RULE('b.io'), first).key, first.key, 'other hosts may be private now');
  const settings = `registries: [{host: "a.io", skipTlsVerify: true}]\n${RULE('a.io')}`;
  const second = open(settings, first);
  assert.notEqual(second, first);
  assert.notEqual(second.plain.leases, first.plain.leases);
});

test('a changed registry Secret is used without a restart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-registry-'));
  const before = process.env['DOCKER_CONFIG'];
  try {
    process.env['DOCKER_CONFIG'] = folder;
    const none = open(RULE('a.io'));
    writeFileSync(join(folder, 'config.json'), '{"auths":{}}');
    const first = open(RULE('a.io'), none);
    assert.notEqual(first, none);
    assert.equal(open(RULE('a.io'), first), first);
    writeFileSync(join(folder, 'config.json'), '{"auths":{"a.io":{"auth":"YTpi"}}}');
    assert.notEqual(open(RULE('a.io'), first), first);
  } finally {
    if (before === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = before;
    rmSync(folder, { recursive: true });
  }
});

test('T51: pull secrets are read only if the option is on and there is an API server', () => {
  const kube = new FakeKube().client;
  assert.equal(open(RULE('a.io'), undefined, { kube }).secrets, undefined);
  assert.equal(open(RULE('a.io'), undefined, { pullSecrets: true }).secrets, undefined);
  assert.notEqual(open(RULE('a.io'), undefined, { kube, pullSecrets: true }).secrets, undefined);
});
