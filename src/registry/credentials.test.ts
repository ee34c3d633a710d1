// Who gets which credentials: exact hosts and paths, helpers by their name, nothing quoted that is
// secret.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ambientCredentials, secretCredentials } from './credentials.ts';

const home = mkdtempSync(join(tmpdir(), 'tagproof-home-'));
after(() => rmSync(home, { recursive: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

function put(path: string, content: object | string, mode = 0o644): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode });
  return file;
}

/** A helper that notes each run and answers for one host. */
function helper(name: string, answer: string, code = 0): string {
  put(
    `bin/docker-credential-${name}`,
    `#!/bin/sh\nread host\necho "$host" >> ${home}/${name}.log\nprintf '%s' '${answer}'\nexit ${code}\n`,
    0o755,
  );
  return join(home, `${name}.log`);
}

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  HOME: home,
  PATH: `${home}/bin:${process.env['PATH']}`,
  ...more,
});

test('docker config: auth, identity token, Docker Hub under its old name, URLs as keys', async () => {
  const DOCKER_CONFIG = dirname(
    put('docker/config.json', {
      auths: {
        'https://index.docker.io/v1/': { auth: base64('hub:p:w') },
        'https://legacy.example.com/v2/': { auth: base64('l:w') },
        'acr.example.com': { auth: base64('0000:'), identitytoken: 'refresh' },
        'empty.example.com': {},
      },
    }),
  );
  const ask = ambientCredentials(env({ DOCKER_CONFIG }));
  assert.deepEqual(await ask('docker.io', 'library/nginx'), { kind: 'basic', username: 'hub', password: 'p:w' });
  assert.deepEqual(await ask('legacy.example.com', 'x'), { kind: 'basic', username: 'l', password: 'w' });
  assert.deepEqual(await ask('acr.example.com', 'x'), { kind: 'identity', token: 'refresh' });
  assert.equal(await ask('empty.example.com', 'x'), undefined);
  assert.equal(await ask('evil-legacy.example.com', 'x'), undefined);
  assert.equal(await ask('legacy.example.com.evil.io', 'x'), undefined);
});

test('a look-alike of a cloud registry gets nothing, and no helper is asked about it (T49)', async () => {
  const log = helper('cloud', '{"Username":"u","Secret":"s"}');
  const DOCKER_CONFIG = dirname(
    put('cloud/config.json', {
      auths: { 'team.azurecr.io': { auth: base64('acr:1') } },
      credHelpers: { '123.dkr.ecr.eu-west-1.amazonaws.com': 'cloud' },
    }),
  );
  const ask = ambientCredentials(env({ DOCKER_CONFIG }));
  for (const host of [
    'team.azurecr.io.attacker.com',
    'evil-team.azurecr.io',
    '123.dkr.ecr.eu-west-1.amazonaws.com.attacker.com',
    'x123.dkr.ecr.eu-west-1.amazonaws.com',
  ])
    assert.equal(await ask(host, 'x'), undefined, host);
  assert.ok(!existsSync(log));
  assert.deepEqual(await ask('team.azurecr.io', 'x'), { kind: 'basic', username: 'acr', password: '1' });
});

test('podman auth.json: the most specific path on whole segments (T50)', async () => {
  const REGISTRY_AUTH_FILE = put('auth.json', {
    auths: {
      'quay.io': { auth: base64('host:1') },
      'quay.io/team': { auth: base64('team:1') },
      'quay.io/team/app': { auth: base64('app:1') },
    },
  });
  const ask = ambientCredentials(env({ REGISTRY_AUTH_FILE }));
  const user = async (repository: string) => ((await ask('quay.io', repository)) as { username: string }).username;
  assert.equal(await user('team/app'), 'app');
  assert.equal(await user('team/other'), 'team');
  assert.equal(await user('team-evil/app'), 'host');
});

test('environment variables come first; a half-given pair is said', async () => {
  const given = {
    TAGPROOF_REGISTRY_HOSTNAME_0: 'ghcr.io',
    TAGPROOF_REGISTRY_USERNAME_0: 'u',
    TAGPROOF_REGISTRY_PASSWORD_0: 'p',
  };
  assert.deepEqual(await ambientCredentials(env(given))('ghcr.io', 'x'), {
    kind: 'basic',
    username: 'u',
    password: 'p',
  });
  await assert.rejects(
    ambientCredentials(env({ TAGPROOF_REGISTRY_HOSTNAME_0: 'ghcr.io' }))('ghcr.io', 'x'),
    /expected TAGPROOF_REGISTRY_USERNAME_0/,
  );
});

test('credential helpers run once per host and may say that there is none', async () => {
  const log = helper('good', '{"ServerURL":"","Username":"u","Secret":"s"}');
  helper('token', '{"Username":"<token>","Secret":"refresh"}');
  helper('none', 'credentials not found in native keychain', 1);
  const DOCKER_CONFIG = dirname(
    put('helpers/config.json', {
      credHelpers: { 'a.io': 'good', 'b.io': 'token', 'c.io': 'none' },
      credsStore: 'good',
    }),
  );
  const ask = ambientCredentials(env({ DOCKER_CONFIG }));
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask('a.io', 'x')));
  assert.deepEqual(answers[4], { kind: 'basic', username: 'u', password: 's' });
  assert.deepEqual(await ask('b.io', 'x'), { kind: 'identity', token: 'refresh' });
  assert.equal(await ask('c.io', 'x'), undefined);
  await ask('docker.io', 'library/x');
  assert.equal(readFileSync(log, 'utf8'), 'a.io\nhttps://index.docker.io/v1/\n');
});

test('what is broken is said without its secrets', async () => {
  const broken = dirname(put('broken/config.json', '{"auths": {"x": "secret'));
  await assert.rejects(
    ambientCredentials(env({ DOCKER_CONFIG: broken }))('x', 'y'),
    (error: Error) => /expected JSON/.test(error.message) && !/secret/.test(String(error)),
  );
  helper('fails', 'oh secret', 1);
  const failing = dirname(put('failing/config.json', { credsStore: 'fails' }));
  await assert.rejects(
    ambientCredentials(env({ DOCKER_CONFIG: failing }))('x.io', 'y'),
    (error: Error) => /failed for x\.io \(exit code 1\)/.test(error.message) && !/secret/.test(String(error)),
  );
  const missing = dirname(put('missing/config.json', { credsStore: 'nowhere' }));
  await assert.rejects(ambientCredentials(env({ DOCKER_CONFIG: missing }))('x.io', 'y'), /not on the PATH/);
  const evil = dirname(put('evil/config.json', { credsStore: '../../bin/sh' }));
  await assert.rejects(
    ambientCredentials(env({ DOCKER_CONFIG: evil }))('x.io', 'y'),
    /not the name of a credential helper/,
  );
});

test('pull secrets: the first that fits, exact host and whole path segments; a helper that one names is never run', async () => {
  const log = helper('pull', '{"Username":"u","Secret":"s"}');
  const secret = (name: string, content: unknown) => ({ name, text: JSON.stringify(content) });
  const find = secretCredentials([
    secret('helpers', { credHelpers: { 'r.io': 'pull' }, credsStore: 'pull' }),
    secret('other', { auths: { 'other.io': { auth: base64('o:1') } } }),
    secret('team', { auths: { 'r.io/team': { auth: base64('team:1') } } }),
    secret('host', { auths: { 'https://r.io': { username: 'host', password: '1' } } }),
  ]);
  const user = async (registry: string, repository: string) =>
    ((await find(registry, repository)) as { username?: string } | undefined)?.username;
  assert.equal(await user('r.io', 'team/app'), 'team');
  assert.equal(await user('r.io', 'team-evil/app'), 'host');
  assert.equal(await user('r.io', 'other'), 'host');
  for (const host of ['x.r.io', 'r.io.evil.com', 'evilr.io', 'r.io:5000'])
    assert.equal(await user(host, 'team/app'), undefined, host);
  assert.ok(!existsSync(log));
  await assert.rejects(
    secretCredentials([{ name: 'broken', text: '{"auths": "secret' }])('r.io', 'x'),
    (error: Error) => /expected JSON/.test(error.message) && !/secret"?$/.test(error.message),
  );
});

test('what an entry may hold: an identity token first, then auth, then a name with a password', async () => {
  const of = (entry: object) =>
    secretCredentials([{ name: 's', text: JSON.stringify({ auths: { 'r.io': entry } }) }])('r.io', 'x');
  const auth = base64('u:p');
  assert.deepEqual(await of({ auth, identitytoken: 't' }), { kind: 'identity', token: 't' });
  assert.deepEqual(await of({ auth, identitytoken: '' }), { kind: 'basic', username: 'u', password: 'p' });
  assert.deepEqual(await of({ auth: base64('u:p\0\0') }), { kind: 'basic', username: 'u', password: 'p' });
  assert.deepEqual(await of({ username: 'n', password: '' }), { kind: 'basic', username: 'n', password: '' });
  for (const empty of [{}, { username: '', password: 'p' }, { username: 'n' }, { auth: '' }])
    assert.equal(await of(empty), undefined, JSON.stringify(empty));
  await assert.rejects(of({ auth: base64('no colon') }), /expected base64 of 'user:password'/);
});

test('names that every object has are no hosts and no helpers', async () => {
  const DOCKER_CONFIG = dirname(put('proto/config.json', { auths: {}, credHelpers: {}, credsStore: '' }));
  const find = ambientCredentials(env({ DOCKER_CONFIG }));
  for (const host of ['constructor', 'toString', '__proto__']) assert.equal(await find(host, 'x'), undefined, host);
});

test('environment: the host is exact, Docker Hub has its names, an identity token comes before a password', async () => {
  const find = ambientCredentials(
    env({
      TAGPROOF_REGISTRY_HOSTNAME_0: 'GHCR.io',
      TAGPROOF_REGISTRY_USERNAME_0: 'u',
      TAGPROOF_REGISTRY_PASSWORD_0: 'p',
      TAGPROOF_REGISTRY_IDENTITY_TOKEN_0: 't',
      TAGPROOF_REGISTRY_HOSTNAME_1: 'index.docker.io',
      TAGPROOF_REGISTRY_USERNAME_1: 'hub',
      TAGPROOF_REGISTRY_PASSWORD_1: 'p',
    }),
  );
  assert.deepEqual(await find('ghcr.io', 'x'), { kind: 'identity', token: 't' });
  assert.deepEqual(await find('docker.io', 'x'), { kind: 'basic', username: 'hub', password: 'p' });
  for (const host of ['ghcr.io.evil.com', 'x.ghcr.io', 'evilghcr.io', 'index.docker.io.evil.com'])
    assert.equal(await find(host, 'x'), undefined, host);
});
