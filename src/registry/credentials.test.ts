import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ambientCredentials } from './credentials.ts';

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
