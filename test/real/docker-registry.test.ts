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
import type { Credential } from '../../src/registry/credential.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { readClosure } from '../../src/resolve/closure.ts';
import { atEnd, certificate, command, dockerRegistry, freePort, scratch, suite } from './suite.ts';

const SAMPLE = { repository: 'team/web', tag: '1', platforms: ['linux/amd64', 'linux/arm64'], content: 'x' };

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
    open = await dockerRegistry(folder);
    await pushSample(open, SAMPLE);
    await pushSample(open, { ...SAMPLE, repository: 'team/other', platforms: ['linux/amd64'] });

    writeFileSync(join(folder, 'htpasswd'), await command('htpasswd', ['-Bbn', 'user', 'secret']));
    basic = await dockerRegistry(folder, { auth: `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n` });

    const [{ cert, key }, tokenPort] = [await certificate(folder, 'token'), await freePort()];
    startTokenService(cert, key, tokenPort, tokens);
    const realm = `realm: "http://localhost:${tokenPort}/token", service: test, issuer: tagproof, rootcertbundle: ${cert}`;
    bearer = await dockerRegistry(folder, { auth: `auth: {token: {${realm}}}\n` });
  });

  test('TLS with a certificate authority of our own; without it the failure says what to do', async () => {
    const { cert, key } = await certificate(folder, 'tls');
    const host = await dockerRegistry(folder, { tls: `, tls: {certificate: ${cert}, key: ${key}}` });
    const reference = ref(`${host}/team/web:1`);
    const digest = await oracle(`${open}/team/web:1`);
    for (const setting of [{ ca: cert }, { skipTlsVerify: true }]) {
      const client = new RegistryClient({
        credentials: async () => undefined,
        registries: [{ host, ...setting }],
      });
      assert.equal((await client.head(reference)).digest, digest);
      await client.close();
    }
    const untrusting = new RegistryClient({
      credentials: async () => undefined,
      registries: [{ host, plainHttp: false }],
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
function startTokenService(cert: string, keyFile: string, port: number, asked: string[][]): void {
  const key = createPrivateKey(readFileSync(keyFile));
  const certificate = new X509Certificate(readFileSync(cert));
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
