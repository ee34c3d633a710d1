// Which URLs serve a name, and what mirrors of hosts.toml get and give.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parsePinned, parseReference } from '../image/reference.ts';
import { RegistryClient } from './client.ts';
import { EmbeddedRegistry } from './embedded.ts';
import { endpointsFor } from './endpoint.ts';
import { pushSample } from './sample.ts';

const certs = mkdtempSync(join(tmpdir(), 'tagproof-certs-'));
after(() => rmSync(certs, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(certs, path)), { recursive: true });
  writeFileSync(join(certs, path), text);
}

const bases = (registry: string, settings = {}, dir?: string, need: 'resolve' | 'pull' = 'resolve') =>
  endpointsFor(registry, need, [{ host: registry, ...settings }], dir).map((endpoint) => endpoint.base);

test('which URL serves a name', () => {
  assert.deepEqual(bases('docker.io'), ['https://registry-1.docker.io/v2/']);
  assert.deepEqual(bases('ghcr.io'), ['https://ghcr.io/v2/']);
  assert.deepEqual(bases('localhost:5000'), ['http://localhost:5000/v2/']);
  assert.deepEqual(bases('127.0.0.1:5000'), ['http://127.0.0.1:5000/v2/']);
  assert.deepEqual(bases('[::1]:5000'), ['http://[::1]:5000/v2/']);
  assert.deepEqual(bases('localhost:5000', { plainHttp: false }), ['https://localhost:5000/v2/']);
  assert.deepEqual(bases('10.0.0.1:5000'), ['https://10.0.0.1:5000/v2/']);
  assert.deepEqual(bases('10.0.0.1:5000', { plainHttp: true }), ['http://10.0.0.1:5000/v2/']);
  assert.deepEqual(bases('127.0.0.1.evil.com'), ['https://127.0.0.1.evil.com/v2/']);
});

test('hosts.toml: mirrors by capability, then the server', () => {
  put(
    'docker.io/hosts.toml',
    `server = "https://registry-1.docker.io"
[host."https://mirror.example.com"]
  capabilities = ["pull", "resolve"]
[host."https://cache.example.com/v2/hub"]
  capabilities = ["pull"]
  override_path = true
`,
  );
  put('_default/hosts.toml', '[host."http://fallback.example.com:8080"]\n');
  assert.deepEqual(bases('docker.io', {}, certs), [
    'https://mirror.example.com/v2/',
    'https://registry-1.docker.io/v2/',
  ]);
  assert.deepEqual(bases('docker.io', {}, certs, 'pull'), [
    'https://mirror.example.com/v2/',
    'https://cache.example.com/v2/hub/',
    'https://registry-1.docker.io/v2/',
  ]);
  assert.deepEqual(bases('quay.io', {}, certs), ['http://fallback.example.com:8080/v2/', 'https://quay.io/v2/']);
  put('bad.io/hosts.toml', 'server = [');
  assert.throws(() => bases('bad.io', {}, certs), /bad\.io\/hosts\.toml/);
});

test('a mirror answers while the name stays; a mirror without the image is passed over', async () => {
  const mirror = new EmbeddedRegistry();
  const origin = new EmbeddedRegistry();
  const [mirrorHost, originHost] = [await mirror.listen(), await origin.listen()];
  put(`${originHost}/hosts.toml`, `[host."http://${mirrorHost}"]\n`);
  const digest = await pushSample(mirrorHost, { repository: 'a', tag: '1', platforms: ['linux/amd64'], content: 'm' });
  const only = await pushSample(originHost, { repository: 'b', tag: '1', platforms: ['linux/amd64'], content: 'o' });
  const client = new RegistryClient({ hostsDir: certs, credentials: async () => undefined });
  const head = (text: string) => client.head(parseReference(text) as never);
  assert.deepEqual(await head(`${originHost}/a:1`).then(({ digest, mirror }) => ({ digest, mirror })), {
    digest,
    mirror: mirrorHost,
  });
  assert.deepEqual(await head(`${originHost}/b:1`).then(({ digest, mirror }) => ({ digest, mirror })), {
    digest: only,
    mirror: undefined,
  });
  await Promise.all([client.close(), mirror.close(), origin.close()]);
});

test('headers from hosts.toml go to their mirror, and not where it redirects (T48)', async () => {
  const seen: Record<string, (string | undefined)[]> = { mirror: [], away: [] };
  const note = (place: string, headers: NodeJS.Dict<string | string[]>) =>
    seen[place]?.push(String(headers['authorization']), String(headers['x-secret']));
  const away = new EmbeddedRegistry({ intercept: (q, r) => (note('away', q.headers), r.writeHead(404).end(), true) });
  const awayHost = await away.listen();
  const mirror = new EmbeddedRegistry({
    intercept: (q, r) => (
      note('mirror', q.headers), r.writeHead(307, { location: `http://${awayHost}/x` }).end(), true
    ),
  });
  put(
    'private.io/hosts.toml',
    `server = "http://${awayHost}"\n[host."http://${await mirror.listen()}".header]\nAuthorization = "Basic c2VjcmV0"\nX-Secret = "s"\n`,
  );
  const client = new RegistryClient({ hostsDir: certs, credentials: async () => undefined });
  await assert.rejects(client.head(parseReference('private.io/a:1') as Reference));
  assert.deepEqual([...new Set(seen['mirror'])], ['Basic c2VjcmV0', 's']);
  assert.deepEqual([...new Set(seen['away'])], ['undefined']);
  await Promise.all([client.close(), mirror.close(), away.close()]);
});

test('the pages of a referrers list are followed on a mirror too', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const asked: string[] = [];
  const mirror = new EmbeddedRegistry({
    intercept: (q, r) => {
      asked.push(q.url ?? '');
      const last = q.url?.includes('page=2');
      r.setHeader('content-type', 'application/vnd.oci.image.index.v1+json');
      if (!last) r.setHeader('link', `</v2/a/referrers/${digest}?page=2>; rel="next"`);
      r.end(JSON.stringify({ manifests: [{ digest, mediaType: 'x' }] }));
      return true;
    },
  });
  put('paged.io/hosts.toml', `[host."http://${await mirror.listen()}"]\n`);
  const client = new RegistryClient({ hostsDir: certs, credentials: async () => undefined });
  assert.equal((await client.referrers(parsePinned(`paged.io/a@${digest}`))).length, 2);
  assert.deepEqual(asked, [`/v2/a/referrers/${digest}?ns=paged.io`, `/v2/a/referrers/${digest}?page=2&ns=paged.io`]);
  await Promise.all([client.close(), mirror.close()]);
});

test('hosts.toml: what a mirror is given, and what is no URL', () => {
  put('certs.io/ca.pem', 'CA');
  put('certs.io/client.pem', 'CLIENT');
  put('certs.io/client.key', 'KEY');
  put(
    'certs.io/hosts.toml',
    `[host."mirror.net"]
  ca = "ca.pem"
  client = [["client.pem", "client.key"]]
  skip_verify = true
`,
  );
  const [mirror, origin] = endpointsFor('certs.io', 'pull', [{ host: 'certs.io' }], certs);
  assert.deepEqual(mirror, {
    base: 'https://mirror.net/v2/',
    registry: 'certs.io',
    mirror: true,
    ca: ['CA'],
    client: { cert: 'CLIENT', key: 'KEY' },
    skipVerify: true,
    headers: {},
  });
  assert.deepEqual([origin?.mirror, origin?.skipVerify, origin?.client], [false, false, undefined]);
  put('wrong.io/hosts.toml', 'server = "https://"');
  assert.throws(() => bases('wrong.io', {}, certs), /is not a URL/);
  assert.equal(
    endpointsFor('r.io', 'pull', [{ host: 'other.io', skipTlsVerify: true }], undefined)[0]?.skipVerify,
    false,
  );
});

test('a broken hosts.toml costs only the images of its registry', async () => {
  const origin = new EmbeddedRegistry();
  const host = await origin.listen();
  await pushSample(host, { repository: 'a', tag: '1', platforms: ['linux/amd64'], content: 'o' });
  put('broken.io/hosts.toml', 'server = [');
  const client = new RegistryClient({ hostsDir: certs, credentials: async () => undefined });
  const references = [`broken.io/a:1`, `${host}/a:1`].map((text) => parseReference(text) as Reference);
  client.expect(references);
  const [broken, good] = await Promise.allSettled(references.map((reference) => client.head(reference)));
  assert.match(String(broken?.status === 'rejected' && broken.reason), /broken\.io\/hosts\.toml/);
  assert.equal(good?.status, 'fulfilled');
  await Promise.all([client.close(), origin.close()]);
});
