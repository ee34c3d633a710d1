import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Reference } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX } from '../image/media-type.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { readClosure, readImageConfig } from './closure.ts';
import { resolveAll } from './resolve.ts';

const server = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
let host = '';
let digest = '';

before(async () => {
  host = await server.listen();
  digest = await pushSample(host, {
    repository: 'web',
    tag: '1',
    platforms: ['linux/amd64', 'linux/arm64/v8'],
    content: 'x',
    env: ['A=1'],
    labels: { 'org.opencontainers.image.revision': 'abc' },
  });
  await pushSample(host, { repository: 'single', tag: '1', platforms: ['linux/arm/v6'], content: 'x' });
});
after(() => Promise.all([client.close(), server.close()]));

const ref = (text: string) => parseReference(text) as Reference;

test('two spellings are one request; a failure is a result of its own and stops no other', async () => {
  server.log.length = 0;
  const results = await resolveAll([ref(`${host}/web:1`), ref(`${host.toUpperCase()}/web:1`), ref(`${host}/gone:1`)], {
    client,
  });
  // A HEAD that fails is followed by a GET, which brings the registry's words.
  assert.deepEqual(server.log.toSorted(), [
    'GET /v2/gone/manifests/1',
    'HEAD /v2/gone/manifests/1',
    'HEAD /v2/web/manifests/1',
  ]);
  const web = results.get(`${host}/web:1`);
  assert.ok(web && !(web instanceof Problem));
  assert.equal(web.digest, digest);
  const gone = results.get(`${host}/gone:1`);
  assert.ok(gone instanceof Problem);
  assert.equal(gone.code, 'not-found');
  assert.equal(gone.where.image, `${host}/gone:1`);
});

test('the lock answers without network; frozen asks no registry', async () => {
  server.log.length = 0;
  const lock = new Map([
    [`${host}/web:1`, { digest: digestOf('old'), firstSeen: '2026-01-01T00:00:00Z', source: 'registry' }],
  ]);
  const results = await resolveAll([ref(`${host}/web:1`), ref(`${host}/other:1`)], { client, lock, frozen: true });
  assert.deepEqual(server.log, []);
  assert.equal((results.get(`${host}/web:1`) as { digest: string }).digest, digestOf('old'));
  assert.equal((results.get(`${host}/other:1`) as Problem).code, 'locked');
});

test('a digest that the author wrote is asked for, and the lock does not answer for it', async () => {
  const lock = new Map([
    [`${host}/web:1`, { digest: digestOf('old'), firstSeen: '2026-01-01T00:00:00Z', source: 'registry' }],
  ]);
  const pinned = ref(`${host}/web:1@${digest}`);
  const results = await resolveAll([pinned], { client, lock });
  assert.equal((results.get(`${host}/web:1@${digest}`) as { digest: string }).digest, digest);
  const frozen = await resolveAll([pinned], { client, lock, frozen: true });
  assert.equal((frozen.get(`${host}/web:1@${digest}`) as Problem).code, 'locked');
});

test('closure and configuration', async () => {
  const closure = await readClosure(client, ref(`${host}/web:1`));
  assert.deepEqual(closure.platforms, ['linux/amd64', 'linux/arm64']);
  assert.equal(closure.root.digest, digest);
  const config = await readImageConfig(client, ref(`${host}/web:1`), closure.children[1]?.digest as string);
  assert.equal(config.platform, 'linux/arm64');
  assert.deepEqual(config.env, ['A=1']);
  assert.deepEqual((await readClosure(client, ref(`${host}/single:1`))).platforms, ['linux/arm/v6']);
});

async function put(path: string, body: object | Buffer, type = OCI_INDEX): Promise<string> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  await fetch(`http://${host}/v2/${path}`, { method: 'PUT', body: bytes, headers: { 'content-type': type } });
  return digestOf(bytes);
}

test('a plain manifest and its configuration are read once', async () => {
  server.log.length = 0;
  assert.equal((await readClosure(client, ref(`${host}/single:1`))).config?.platform, 'linux/arm/v6');
  assert.equal(server.log.length, 2);
});

test('an index of indexes is followed to a bound; what is malformed is said', async () => {
  let inner = digest;
  for (let depth = 0; depth < 4; depth++) {
    inner = await put(`web/manifests/deep${depth}`, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: OCI_INDEX, digest: inner, size: 1 }],
    });
  }
  assert.deepEqual((await readClosure(client, ref(`${host}/web:deep0`))).platforms, ['linux/amd64', 'linux/arm64']);
  await assert.rejects(readClosure(client, ref(`${host}/web:deep3`)), /nested deeper than 3/);
  await put('web/manifests/bad', { schemaVersion: 2, manifests: [{ digest: 'x' }] });
  await assert.rejects(readClosure(client, ref(`${host}/web:bad`)), /no manifest \(manifests\[0\] has no digest\)/);
  await put('web/manifests/binary', gzipSync('x'));
  await assert.rejects(readClosure(client, ref(`${host}/web:binary`)), /no complete JSON/);
});
