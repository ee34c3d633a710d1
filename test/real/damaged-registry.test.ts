// Debian's docker-registry behind a proxy that damages its answers: pin writes the digest of the manifest that the registry
// holds, or nothing, with exit code 2.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pushSample } from '../../src/registry/sample.ts';
import { makeRepository, podWith, runTagproof } from '../run-cli.ts';
import { type Damage, type DamagingProxy, startDamagingProxy } from './damaging-proxy.ts';
import { command, dockerRegistry, scratch, suite } from './suite.ts';

/** HEAD is refused, GET is what the damage makes of it. The registry's digest header goes unless it is put back. */
const onGet =
  (damage: Damage): Damage =>
  (answer, response, request) => {
    if (request.method === 'HEAD') return response.writeHead(405).end();
    return damage(answer, response, request);
  };
const type = (headers: Headers) => ({ 'content-type': headers.get('content-type') ?? '' });

const DAMAGED: [name: string, damage: Damage, message: RegExp][] = [
  [
    'compressed',
    onGet(({ headers, body }, r) =>
      r.writeHead(200, { ...type(headers), 'content-encoding': 'gzip' }).end(gzipSync(body)),
    ),
    /content-encoding 'gzip'/,
  ],
  [
    'compressed, unnamed',
    onGet(({ headers, body }, r) => r.writeHead(200, type(headers)).end(gzipSync(body))),
    /no complete JSON/,
  ],
  ['emptied', onGet(({ headers }, r) => r.writeHead(200, type(headers)).end()), /an empty body/],
  [
    'cut, with its length',
    onGet(({ headers, body }, r) =>
      r
        .writeHead(200, { ...type(headers), 'content-length': body.length })
        .write(body.subarray(0, 50), () => r.destroy()),
    ),
    /cut its answer after 50 of \d+ bytes/,
  ],
  [
    'cut, in chunks',
    onGet(({ headers, body }, r) => r.writeHead(200, type(headers)).write(body.subarray(0, 50), () => r.destroy())),
    /cut its answer after 50 bytes/,
  ],
  [
    'cut, and ended as if whole',
    onGet(({ headers, body }, r) => r.writeHead(200, type(headers)).end(body.subarray(0, 50))),
    /50 bytes that are no complete JSON/,
  ],
  [
    'a login page',
    (_, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    /an HTML page/,
  ],
  [
    'a login page after a redirect',
    (_, r, { url }) =>
      url?.includes('login')
        ? r.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>')
        : r.writeHead(302, { location: '/v2/x/manifests/login' }).end(),
    /an HTML page/,
  ],
  [
    'an error with status 200',
    (_, r) =>
      r.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":[{"message":"upstream is down"}]}'),
    /an error with status 200 \('upstream is down'\)/,
  ],
  [
    'as another type',
    onGet(({ body }, r) => r.writeHead(200, { 'content-type': 'application/pdf' }).end(body)),
    /'application\/pdf'/,
  ],
  [
    'larger than a manifest',
    onGet(({ headers, body }, r) =>
      r.writeHead(200, type(headers)).end(Buffer.concat([body, Buffer.alloc(5 << 20, ' ')])),
    ),
    /more than the 4194304 bytes/,
  ],
  [
    'another image, under this one’s digest',
    onGet(({ headers, body }, r) =>
      r
        .writeHead(200, { ...type(headers), 'docker-content-digest': headers.get('docker-content-digest') ?? '' })
        .end(`${body} `),
    ),
    /sent bytes with digest sha256:/,
  ],
];

/** Odd answers that are right all the same. */
const RIGHT: [name: string, damage: Damage][] = [
  ['HEAD 405, no digest header', onGet(({ headers, body }, r) => r.writeHead(200, type(headers)).end(body))],
  ...[403, 404, 500].map((status): [string, Damage] => [
    `HEAD ${status}, GET from storage that knows no types`,
    ({ body }, r, { method }) =>
      method === 'HEAD'
        ? r.writeHead(status).end()
        : r.writeHead(200, { 'content-type': 'application/octet-stream' }).end(body),
  ]),
  [
    'HEAD with a digest and the type of JSON',
    ({ headers, body }, r, { method }) =>
      r
        .writeHead(200, {
          'content-type': method === 'HEAD' ? 'application/json' : (headers.get('content-type') ?? ''),
          'docker-content-digest': headers.get('docker-content-digest') ?? '',
        })
        .end(method === 'HEAD' ? undefined : body),
  ],
];

suite('docker-registry behind a proxy that damages its answers', ['docker-registry', 'skopeo'], () => {
  let proxy: DamagingProxy;
  let digest = '';
  before(async () => {
    const registry = await dockerRegistry(scratch());
    await pushSample(registry, {
      repository: 'web',
      tag: '1',
      platforms: ['linux/amd64', 'linux/arm64'],
      content: 'x',
    });
    proxy = await startDamagingProxy(registry);
    const inspect = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${registry}/web:1`];
    digest = (await command('skopeo', inspect)).trim();
  });

  const pin = async (damage: Damage | undefined) => {
    proxy.damage = damage;
    const folder = makeRepository({ 'a.yaml': podWith(`${proxy.host}/web:1`) });
    const result = await runTagproof(folder, ['pin']);
    return { ...result, text: readFileSync(join(folder, 'a.yaml'), 'utf8') };
  };

  test('S2-1: nothing that is damaged is pinned', async () => {
    for (const [name, damage, message] of DAMAGED) {
      const { code, stderr, text } = await pin(damage);
      assert.equal(code, 2, `${name}: ${stderr}`);
      assert.equal(text, podWith(`${proxy.host}/web:1`), name);
      assert.match(stderr, message, name);
      assert.equal(stderr.match(/^error: /gm)?.length, 1, `${name}: ${stderr}`);
      assert.ok(stderr.includes(proxy.host), name);
    }
  });

  test('P24: odd answers that are right give the digest that skopeo sees', async () => {
    for (const [name, damage] of [['as it is', undefined] as const, ...RIGHT]) {
      const { code, stderr, text } = await pin(damage);
      assert.equal(code, 0, `${name}: ${stderr}`);
      assert.equal(text, podWith(`${proxy.host}/web:1@${digest}`), name);
    }
  });
});
