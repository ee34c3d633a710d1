// Debian's docker-registry (CNCF distribution) in its three ways of authorization, with skopeo as the oracle for digests.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Reference } from '../../src/flow.ts';
import { parseReference } from '../../src/image/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { Credential } from '../../src/registry/credentials.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { readClosure } from '../../src/resolve/closure.ts';
import { atEnd, command, freePort, scratch, start, suite } from './suite.ts';

const SAMPLE = { repository: 'team/web', tag: '1', platforms: ['linux/amd64', 'linux/arm64'], content: 'x' };

async function startRegistry(folder: string, port: number, auth: string, tls = ''): Promise<void> {
  const config = join(folder, `registry-${port}.yml`);
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}"${tls}}\n${auth}`,
  );
  await start('docker-registry', ['serve', config], () =>
    fetch(`http://127.0.0.1:${port}/v2/`).then((response) => response.body?.cancel()),
  );
}

const ref = (text: string) => parseReference(text) as Reference;

async function withClient<T>(
  credential: Credential | undefined,
  task: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const client = new RegistryClient({ credentials: async () => credential, backoffMs: 10 });
  try {
    return await task(client);
  } finally {
    await client.close();
  }
}

suite('docker-registry: anonymous, htpasswd, token', ['docker-registry', 'skopeo', 'htpasswd', 'openssl'], () => {
  const folder = scratch();
  let open = '';
  let basic = '';
  let bearer = '';
  const tokens: string[][] = [];

  before(async () => {
    const [openPort, basicPort, bearerPort, tokenPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    await startRegistry(folder, openPort, '');
    open = `localhost:${openPort}`;
    await pushSample(open, SAMPLE);
    await pushSample(open, { ...SAMPLE, repository: 'team/other', platforms: ['linux/amd64'] });

    writeFileSync(join(folder, 'htpasswd'), await command('htpasswd', ['-Bbn', 'user', 'secret']));
    await startRegistry(folder, basicPort, `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`);
    basic = `localhost:${basicPort}`;

    await command('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=tagproof test',
      '-keyout',
      `${folder}/key.pem`,
      '-out',
      `${folder}/cert.pem`,
    ]);
    startTokenService(folder, tokenPort, tokens);
    await startRegistry(
      folder,
      bearerPort,
      `auth: {token: {realm: "http://localhost:${tokenPort}/token", service: test, issuer: tagproof, rootcertbundle: ${folder}/cert.pem}}\n`,
    );
    bearer = `localhost:${bearerPort}`;
  });

  test('TLS with a certificate authority of our own; without it the failure says what to do', async () => {
    const port = await freePort();
    const extra = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    await command('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      ...extra,
      '-keyout',
      `${folder}/tls.key`,
      '-out',
      `${folder}/tls.pem`,
    ]);
    await startRegistry(folder, port, '', `, tls: {certificate: ${folder}/tls.pem, key: ${folder}/tls.key}`);
    const reference = ref(`localhost:${port}/team/web:1`);
    const digest = await oracle(`${open}/team/web:1`);
    for (const setting of [{ ca: join(folder, 'tls.pem') }, { skipTlsVerify: true }]) {
      const client = new RegistryClient({
        credentials: async () => undefined,
        registries: [{ host: `localhost:${port}`, ...setting }],
      });
      assert.equal((await client.head(reference)).digest, digest);
      await client.close();
    }
    const untrusting = new RegistryClient({
      credentials: async () => undefined,
      registries: [{ host: `localhost:${port}`, plainHttp: false }],
    });
    await assert.rejects(
      untrusting.head(reference),
      /its certificate is not trusted .*give its CA under registries in tagproof\.yaml/,
    );
    await untrusting.close();
    const plain = new RegistryClient({
      credentials: async () => undefined,
      registries: [{ host: open, plainHttp: false }],
    });
    await assert.rejects(plain.head(ref(`${open}/team/web:1`)), /does not speak TLS: .*plainHttp/);
    await plain.close();
  });

  const oracle = async (image: string, ...args: string[]) =>
    (
      await command('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--format',
        '{{.Digest}}',
        ...args,
        `docker://${image}`,
      ])
    ).trim();

  test('anonymous: the digest that skopeo sees; index, platforms, by tag and by digest', async () => {
    await withClient(undefined, async (client) => {
      const head = await client.head(ref(`${open}/team/web:1`));
      assert.equal(head.digest, await oracle(`${open}/team/web:1`));
      assert.equal((await client.head(ref(`${open}/team/web@${head.digest}`))).digest, head.digest);
      assert.deepEqual((await readClosure(client, ref(`${open}/team/web:1`))).platforms, [
        'linux/amd64',
        'linux/arm64',
      ]);
      await assert.rejects(client.head(ref(`${open}/team/web:none`)), /has no .*team\/web with tag none/);
      await assert.rejects(client.manifest(ref(`${open}/team/web:none`)), /404: manifest unknown/);
      await assert.rejects(client.head(ref(`${open}/nowhere`)), /has no/);
    });
  });

  test('htpasswd: with, without and with wrong credentials', async () => {
    const digest = await oracle(`${basic}/team/web:1`, '--creds', 'user:secret');
    const right = { kind: 'basic', username: 'user', password: 'secret' } as const;
    await withClient(right, async (client) =>
      assert.equal((await client.head(ref(`${basic}/team/web:1`))).digest, digest),
    );
    await withClient(undefined, (client) =>
      assert.rejects(client.head(ref(`${basic}/team/web:1`)), /gives no access \(401/),
    );
    await withClient({ ...right, password: 'wrong' }, async (client) => {
      await assert.rejects(
        client.head(ref(`${basic}/team/web:1`)),
        (error: Error) => /401/.test(error.message) && !/wrong/.test(error.message),
      );
    });
  });

  test('token: one token for several repositories; the service’s refusal is said', async () => {
    const references = [ref(`${bearer}/team/web:1`), ref(`${bearer}/team/other:1`)];
    await withClient({ kind: 'basic', username: 'user', password: 'secret' }, async (client) => {
      client.expect(references);
      tokens.length = 0;
      const heads = await Promise.all(references.map((reference) => client.head(reference)));
      assert.deepEqual(
        tokens.map((names) => names.toSorted()),
        [['team/other', 'team/web']],
      );
      assert.equal(heads[0]?.digest, await oracle(`${open}/team/web:1`));
    });
    await withClient({ kind: 'basic', username: 'user', password: 'wrong' }, async (client) => {
      await assert.rejects(client.head(references[0] as Reference), /token service .* refuses the credentials \(401\)/);
    });
  });

  test('skopeo inspects what tagproof names, by the pinned form', async () => {
    const { digest } = await withClient(undefined, (client) => client.head(ref(`${open}/team/web:1`)));
    assert.equal(await oracle(`${open}/team/web@${digest}`), digest);
  });
});

/** A token service as distribution's specification has it: JWT, RS256, the certificate in x5c. */
function startTokenService(folder: string, port: number, asked: string[][]): void {
  const key = createPrivateKey(readFileSync(join(folder, 'key.pem')));
  const certificate = new X509Certificate(readFileSync(join(folder, 'cert.pem')));
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (request.headers.authorization !== `Basic ${Buffer.from('user:secret').toString('base64')}`)
      return void response.writeHead(401).end();
    const names = url.searchParams.getAll('scope').map((scope) => scope.split(':')[1] as string);
    asked.push(names);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'tagproof',
      sub: 'user',
      aud: url.searchParams.get('service'),
      nbf: now - 10,
      iat: now,
      exp: now + 300,
      jti: createHash('sha256').update(`${now}${Math.random()}`).digest('hex'),
      access: names.map((name) => ({ type: 'repository', name, actions: ['pull'] })),
    };
    const unsigned = `${encode({ typ: 'JWT', alg: 'RS256', x5c: [certificate.raw.toString('base64')] })}.${encode(claims)}`;
    response.end(
      JSON.stringify({
        token: `${unsigned}.${sign('sha256', Buffer.from(unsigned), key).toString('base64url')}`,
        expires_in: 300,
      }),
    );
  });
  server.listen(port, '127.0.0.1');
  atEnd(() => server.close());
}
