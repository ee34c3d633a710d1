// tagproof sign and attest as processes would run them: with keys of every form, keyless against services on loopback, and what
// must never be pushed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { Services, tokenOf } from './services.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-sign-'));
const registries = { api: new EmbeddedRegistry(), tag: new EmbeddedRegistry({ referrers: false }) };
const services = new Services();
const SUBJECT = 'https://git.test/org/app/.ci/release.yml@refs/heads/main';
const MAIN = resolve('src/cli/main.ts');
let hosts: Record<string, string>;
let root: string;

before(async () => {
  hosts = { api: await registries.api.listen(), tag: await registries.tag.listen() };
  await services.listen();
  root = join(folder, 'trusted_root.json');
  writeFileSync(root, services.stack.trustedRoot());
});
after(async () => {
  await Promise.all([registries.api.close(), registries.tag.close(), services.close()]);
  rmSync(folder, { recursive: true, force: true });
});

function tagproof(args: string[], env: Record<string, string> = {}): Promise<{ code: number; out: string }> {
  return new Promise((done) =>
    execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd: folder, env: { ...process.env, NO_COLOR: '1', TAGPROOF_DATA: join(folder, 'data'), ...env } },
      (error, stdout, stderr) => done({ code: (error?.code as number | undefined) ?? 0, out: stdout + stderr }),
    ),
  );
}

async function image(host: string, tag: string): Promise<string> {
  await pushSample(host, { repository: 'app', tag, platforms: ['linux/amd64'], content: tag });
  return `${host}/app:${tag}`;
}

function writeKey(name: string, key: KeyObject, options: object = {}): string {
  const file = join(folder, name);
  writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem', ...options } as never));
  return file;
}

async function verifies(reference: string, authority: string, kind = 'allow', more = ''): Promise<void> {
  const config = join(folder, `policy-${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(
    config,
    `authorities:\n  it:\n${authority.replace(/^/gm, '    ')}\nrules:\n  - {name: r, images: ["**"], digest: resolve, signatures: {all: [it]}${more}}\n`,
  );
  const { out } = await tagproof(['verify', '-c', config, reference]);
  assert.match(out, new RegExp(`^ *${kind}`, 'm'), out);
}

const keyAuthority = (key: KeyObject, more = 'transparencyLog: ignore') =>
  `keys:\n  - |\n${(key.export({ type: 'spki', format: 'pem' }) as string).trim().replace(/^/gm, '    ')}\n${more}`;

const pairs = {
  'ECDSA P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
};
for (const [name, { publicKey, privateKey }] of Object.entries(pairs)) {
  test(`sign with a key: ${name}; by referrers API and by fallback tag`, async () => {
    for (const host of Object.values(hosts)) {
      const reference = await image(host, `key-${name.slice(0, 3).toLowerCase()}`);
      await verifies(reference, keyAuthority(publicKey), 'deny');
      const key = writeKey(`${name}.pem`.replace(' ', ''), privateKey);
      const { code, out } = await tagproof(['sign', '--key', key, '-a', 'build=42', reference]);
      assert.equal(code, 0, out);
      assert.match(out, /signed .*app:key-.* → sha256:[0-9a-f]{64}/, 'the tag is shown with its digest');
      await verifies(reference, keyAuthority(publicKey, 'transparencyLog: ignore\nannotations: {build: "42"}'));
    }
  });
}

test('two signatures beside each other: the fallback tag keeps both', async () => {
  const reference = await image(hosts['tag'] as string, 'both');
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const key of [pairs['ECDSA P-256'].privateKey, other.privateKey])
    assert.equal((await tagproof(['sign', '--key', writeKey('both.pem', key), reference])).code, 0);
  await verifies(reference, keyAuthority(pairs['ECDSA P-256'].publicKey));
  await verifies(reference, keyAuthority(other.publicKey));
});

test('keys: encrypted PKCS#8 with its password; a wrong one, none, no key at all', async () => {
  const reference = await image(hosts['api'] as string, 'encrypted');
  const key = writeKey('encrypted.pem', pairs.RSA.privateKey, { cipher: 'aes-256-cbc', passphrase: 'secret' });
  assert.match(
    (await tagproof(['sign', '--key', key, reference])).out,
    /the key is encrypted: give its password in COSIGN_PASSWORD/,
  );
  assert.match((await tagproof(['sign', '--key', key, reference], { COSIGN_PASSWORD: 'x' })).out, /wrong password/);
  assert.equal((await tagproof(['sign', '--key', key, reference], { COSIGN_PASSWORD: 'secret' })).code, 0);
  writeFileSync(join(folder, 'no.pem'), 'no key');
  assert.match(
    (await tagproof(['sign', '--key', join(folder, 'no.pem'), reference])).out,
    /no\.pem: expected a private key/,
  );
  assert.match((await tagproof(['sign', '--key', join(folder, 'gone.pem'), reference])).out, /gone\.pem/);
});

test('attest: a statement is judged by type, maker and content', async () => {
  const reference = await image(hosts['api'] as string, 'attested');
  const { publicKey, privateKey } = pairs['ECDSA P-256'];
  writeFileSync(
    join(folder, 'p.json'),
    JSON.stringify({ buildType: 'x', materials: [{ uri: 'git+https://git.test/org/app' }] }),
  );
  const made = await tagproof([
    'attest',
    '--key',
    writeKey('attest.pem', privateKey),
    '--type',
    'slsaprovenance1',
    '--predicate',
    join(folder, 'p.json'),
    reference,
  ]);
  assert.equal(made.code, 0, made.out);
  await verifies(reference, keyAuthority(publicKey), 'deny'); // a statement is no signature (T31)
  const evaluator = async (demand: string, outcome: string) => {
    const config = join(folder, 'attest.yaml');
    writeFileSync(
      config,
      `authorities:\n  it:\n${keyAuthority(publicKey).replace(/^/gm, '    ')}\nrules:\n  - name: r\n    images: ["**"]\n    digest: resolve\n    attestations: [${demand}]\n`,
    );
    const { out } = await tagproof(['verify', '-c', config, reference]);
    assert.match(out, new RegExp(`^ *${outcome}`, 'm'), out);
  };
  await evaluator('{type: slsaprovenance1, by: {all: [it]}}', 'allow');
  await evaluator(
    '{type: slsaprovenance1, by: {all: [it]}, condition: "predicate.buildType == \\"x\\" && predicate.materials.all(m, m.uri.startsWith(\\"git+https://git.test/org/\\"))"}',
    'allow',
  );
  await evaluator('{type: slsaprovenance1, by: {all: [it]}, condition: "predicate.buildType == \\"y\\""}', 'deny');
  await evaluator('{type: slsaprovenance1, by: {all: [it]}, condition: "predicate.nothing.there == 1"}', 'deny');
  await evaluator('{type: vuln, by: {all: [it]}}', 'deny');
});

const keyless = (...more: string[]) => ['sign', '--fulcio-url', services.url, '--trust-root', root, ...more];
const ciAuthority = (more = '') =>
  `identities: [{issuer: https://ci.test, subject: "${SUBJECT}"}]\ntrustRoot: ${root}\n${more}`;

test('keyless: token from the environment, Rekor 1', async () => {
  const reference = await image(hosts['api'] as string, 'keyless1');
  const { code, out } = await tagproof([...keyless('--rekor-url', services.url), reference], {
    SIGSTORE_ID_TOKEN: tokenOf('https://ci.test', SUBJECT),
  });
  assert.equal(code, 0, out);
  await verifies(reference, ciAuthority());
  await verifies(reference, ciAuthority('timestamp: required'), 'deny');
});

test('keyless: token from the CI’s own service, Rekor 2 and a time stamp', async () => {
  const reference = await image(hosts['tag'] as string, 'keyless2');
  const { code, out } = await tagproof(
    [
      ...keyless('--rekor-url', services.url, '--rekor-version', '2', '--timestamp-url', `${services.url}/tsa`),
      reference,
    ],
    {
      SIGSTORE_ID_TOKEN: '',
      ACTIONS_ID_TOKEN_REQUEST_URL: `${services.url}/token?x=1`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
    },
  );
  assert.equal(code, 0, out);
  assert.ok(services.log.includes('GET /token?x=1&audience=sigstore'), services.log.join('\n'));
  await verifies(reference, ciAuthority('timestamp: required'));
});

test('keyless without a log: a clock is asked instead', async () => {
  const reference = await image(hosts['api'] as string, 'keyless3');
  const env = { SIGSTORE_ID_TOKEN: tokenOf('https://ci.test', SUBJECT) };
  assert.match((await tagproof([...keyless('--no-log'), reference], env)).out, /needs proof of its time/);
  assert.equal(
    (await tagproof([...keyless('--no-log', '--timestamp-url', `${services.url}/tsa`), reference], env)).code,
    0,
  );
  await verifies(reference, ciAuthority('transparencyLog: ignore\ntimestamp: required'));
});

test('a key with a log entry', async () => {
  const reference = await image(hosts['api'] as string, 'keylog');
  const { publicKey, privateKey } = pairs['ECDSA P-256'];
  for (const version of ['1', '2']) {
    const { code, out } = await tagproof([
      'sign',
      '--key',
      writeKey('log.pem', privateKey),
      '--rekor-url',
      services.url,
      '--rekor-version',
      version,
      '--trust-root',
      root,
      reference,
    ]);
    assert.equal(code, 0, out);
  }
  await verifies(reference, keyAuthority(publicKey, `trustRoot: ${root}`));
});

test('services that cheat or fail: nothing is pushed', async () => {
  const reference = await image(hosts['api'] as string, 'cheated');
  const env = { SIGSTORE_ID_TOKEN: tokenOf('https://ci.test', SUBJECT) };
  const faults = {
    'other key': /certificate for another key/,
    'wrong entry': /does not verify, nothing was pushed/,
    'rekor down': /answered 400: rekor is down/,
    'fulcio refuses': /the token is not accepted/,
  } as const;
  for (const [fault, says] of Object.entries(faults)) {
    services.fault = fault as keyof typeof faults;
    const { code, out } = await tagproof([...keyless('--rekor-url', services.url), reference], env);
    assert.equal(code, 2, out);
    assert.match(out, says);
  }
  services.fault = 'none';
  assert.match((await tagproof([...keyless('--rekor-url', services.url), reference])).out, /no identity token/);
  const dry = await tagproof([...keyless('--rekor-url', services.url, '--dry-run'), reference], env);
  assert.match(dry.out, /would sign/);
  await verifies(reference, ciAuthority(), 'deny');
});

test('signatures in another repository, reached through a mirror of its registry', async () => {
  const reference = await image(hosts['api'] as string, 'mirrored');
  const { publicKey, privateKey } = pairs['ECDSA P-256'];
  assert.equal(
    (
      await tagproof([
        'sign',
        '--key',
        writeKey('mirror.pem', privateKey),
        '--signature-repository',
        `${hosts['tag']}/signatures`,
        reference,
      ])
    ).code,
    0,
  );
  // signatures.test does not exist; containerd's hosts.toml says who serves it. (A mirror beside a registry that cannot be
  // reached could never say that there is no signature: only the registry's own server can.)
  mkdirSync(join(folder, 'hosts/signatures.test'), { recursive: true });
  writeFileSync(join(folder, 'hosts/signatures.test/hosts.toml'), `server = "http://${hosts['tag']}"\n`);
  const config = join(folder, 'mirror.yaml');
  writeFileSync(
    config,
    `hostsDir: hosts\nauthorities:\n  it:\n${keyAuthority(publicKey, 'transparencyLog: ignore\nsignatureRepository: signatures.test/signatures').replace(/^/gm, '    ')}\nrules:\n  - {name: r, images: ["**"], digest: resolve, signatures: {all: [it]}}\n`,
  );
  const { code, out } = await tagproof(['verify', '-c', config, '--timeout', '3', reference]);
  assert.equal(code, 0, out);
});

test('signatures in another repository', async () => {
  const reference = await image(hosts['api'] as string, 'elsewhere');
  const { publicKey, privateKey } = pairs['ECDSA P-256'];
  const place = `${hosts['api']}/signatures`;
  assert.equal(
    (await tagproof(['sign', '--key', writeKey('else.pem', privateKey), '--signature-repository', place, reference]))
      .code,
    0,
  );
  await verifies(reference, keyAuthority(publicKey), 'deny');
  await verifies(reference, keyAuthority(publicKey, `transparencyLog: ignore\nsignatureRepository: ${place}`));
});
