// What the client reads, and that an answer counts only for the digest that was asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerManifest,
  MANIFEST,
  openClient,
  openRegistry,
  problemOf,
  referenceOf,
  SAMPLE,
  scriptedRegistry,
} from '../../test/registry-fixture.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { pushSample } from './sample.ts';

const OTHER = `sha256:${'0'.repeat(64)}`;

test('an open registry: one HEAD, no GET', async () => {
  const { host, server } = await openRegistry();
  const digest = await pushSample(host, SAMPLE);
  server.log.length = 0;
  const head = await openClient().head(referenceOf(`${host}/team/web:1`));
  assert.deepEqual([head.digest, head.mediaType], [digest, OCI_INDEX]);
  assert.ok((head.size ?? 0) > 0);
  assert.deepEqual(server.log, ['HEAD /v2/team/web/manifests/1']);
});

test('HEAD refused, or without a digest: GET and hash', async () => {
  const heads: [status: number, headers: Record<string, string>][] = [
    [400, {}],
    [405, {}],
    [501, {}],
    [200, { 'content-type': OCI_MANIFEST }],
    [200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': 'sha256:short' }],
    [200, { 'docker-content-digest': OTHER }],
  ];
  for (const [status, headers] of heads) {
    const host = await scriptedRegistry((request, response) => {
      if (request.method === 'HEAD') response.writeHead(status, headers).end();
      else response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(MANIFEST);
    });
    const head = await openClient().head(referenceOf(`${host}/a:1`));
    assert.equal(head.digest, digestOf(MANIFEST), `${status} ${JSON.stringify(headers)}`);
  }
});

test('T3: an answer for a digest must carry this digest, in the header of HEAD and in the bytes of GET', async () => {
  const host = await scriptedRegistry((request, response) =>
    request.method === 'HEAD' ? answerManifest(response).end() : answerManifest(response).end(MANIFEST),
  );
  const client = openClient();
  for (const problem of [
    await problemOf(client.head(referenceOf(`${host}/a@${OTHER}`))),
    await problemOf(client.manifest(referenceOf(`${host}/a@${OTHER}`))),
    await problemOf(client.manifest(referenceOf(`${host}/a:1@${OTHER}`))),
    await problemOf(client.blob(referenceOf(`${host}/a`), OTHER)),
  ]) {
    assert.equal(problem.code, 'mismatch');
    assert.match(problem.message, /expected sha256:0000/);
  }
  const good = `${host}/a@${digestOf(MANIFEST)}`;
  assert.equal((await client.head(referenceOf(good))).digest, digestOf(MANIFEST));
  assert.deepEqual((await client.manifest(referenceOf(good))).bytes, MANIFEST);
});

test('T3: a GET by tag must hash to the digest that its header claims', async () => {
  const host = await scriptedRegistry((_, response) =>
    answerManifest(response, { 'docker-content-digest': OTHER }).end(MANIFEST),
  );
  assert.equal((await problemOf(openClient().manifest(referenceOf(`${host}/a:1`)))).code, 'mismatch');
});

test('sha512: bytes are hashed by the algorithm of the digest', async () => {
  const digest = digestOf(MANIFEST, `sha512:${'0'.repeat(128)}`);
  assert.match(digest, /^sha512:/);
  const host = await scriptedRegistry((_, response) =>
    response.writeHead(200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': digest }).end(MANIFEST),
  );
  const manifest = await openClient().manifest(referenceOf(`${host}/a@${digest}`));
  assert.equal(manifest.digest, digest);
});

test('a digest is asked for by digest, and a blob is hashed', async () => {
  const { host, server } = await openRegistry();
  const digest = await pushSample(host, SAMPLE);
  const client = openClient();
  const index = await client.manifest(referenceOf(`${host}/team/web:2@${digest}`));
  const [child] = (JSON.parse(index.bytes.toString()) as { manifests: { digest: string }[] }).manifests;
  const image = JSON.parse(
    (await client.manifest(referenceOf(`${host}/team/web@${child?.digest}`))).bytes.toString(),
  ) as { config: { digest: string } };
  const config = await client.blob(referenceOf(`${host}/team/web`), image.config.digest);
  assert.match(config.toString(), /"architecture":"amd64"/);
  assert.ok(server.log.includes(`GET /v2/team/web/manifests/${digest}`));
});

test('T46: a host that nobody named is not reached at a private address', async () => {
  const host = await scriptedRegistry((_, response) => answerManifest(response).end());
  const named = openClient({ isNamed: () => true });
  assert.equal((await named.head(referenceOf(`${host}/a:1`))).digest, digestOf(MANIFEST));
  const unnamed = openClient({ isNamed: () => false });
  assert.equal((await problemOf(unnamed.head(referenceOf(`${host}/a:1`)))).code, 'refused');
  const literal = host.replace('localhost', '127.0.0.1');
  assert.equal((await problemOf(unnamed.head(referenceOf(`${literal}/a:1`)))).code, 'refused');
});
