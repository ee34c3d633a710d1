// Pushing an artifact: what is written, that credentials and TLS stay, and that concurrent writers
// lose nothing.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { openClient, openRegistry, problemOf, referenceOf, SAMPLE } from '../../test/registry-fixture.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, RegistryResponse } from './exchange.ts';
import { type Artifact, Pusher } from './push.ts';
import { pushSample } from './sample.ts';
import { Authorizer } from './tokens.ts';
import { Transport } from './transport.ts';

const ARTIFACT: Artifact = {
  artifactType: 'application/vnd.example',
  layer: Buffer.from('layer'),
  layerType: 'text/plain',
  annotations: { a: 'b' },
};
const DIGEST = `sha256:${'a'.repeat(64)}`;
const SUBJECT = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 7 };

test('attach: a manifest with subject, layer and annotations; the same digest when it is pushed again', async () => {
  const { host } = await openRegistry();
  const subject = await openClient().head(
    referenceOf(`${host}/team/web@${await pushSample(host, { ...SAMPLE, platforms: ['linux/amd64'] })}`),
  );
  const client = openClient();
  const pusher = client.pusher(referenceOf(`${host}/team/web`));
  const digest = await pusher.attach(subject as never, ARTIFACT);
  const { bytes } = await client.manifest(referenceOf(`${host}/team/web@${digest}`));
  const manifest = JSON.parse(bytes.toString());
  assert.deepEqual(manifest.subject, { mediaType: subject.mediaType, digest: subject.digest, size: subject.size });
  assert.deepEqual([manifest.artifactType, manifest.annotations], [ARTIFACT.artifactType, ARTIFACT.annotations]);
  const layer = await client.blob(referenceOf(`${host}/team/web`), manifest.layers[0].digest);
  assert.equal(layer.toString(), 'layer');
  assert.equal(await pusher.attach(subject as never, ARTIFACT), digest);
});

test('put: an artifact without a subject, under a tag', async () => {
  const { host } = await openRegistry();
  const client = openClient();
  const digest = await client.pusher(referenceOf(`${host}/policies`)).put('v1', ARTIFACT);
  assert.equal((await client.head(referenceOf(`${host}/policies:v1`))).digest, digest);
});

test('pushing asks for tokens that may push, and sends them to its own registry only', async () => {
  const scopes: string[] = [];
  const seen: [host: string, authorization: string | undefined][] = [];
  const note = (name: string, request: IncomingMessage) => seen.push([name, request.headers.authorization]);
  const storage = await openRegistry({
    intercept: (request, response) => (note('storage', request), response.writeHead(201).end(), true),
  });
  const { host } = await openRegistry({
    intercept: (request, response) => {
      if (request.url?.startsWith('/token')) {
        scopes.push(new URL(request.url, 'http://x').searchParams.get('scope') ?? '');
        response.end('{"token":"t"}');
      } else if (request.headers.authorization !== 'Bearer t') {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
      } else {
        note('registry', request);
        if (request.method === 'HEAD') response.writeHead(404).end();
        else if (request.method === 'POST')
          response.writeHead(202, { location: `http://${storage.host}/upload` }).end();
        else response.writeHead(201, { 'oci-subject': DIGEST }).end();
      }
      return true;
    },
  });
  await openClient()
    .pusher(referenceOf(`${host}/team/web`))
    .attach(SUBJECT, ARTIFACT);
  assert.deepEqual([...new Set(scopes)], ['repository:team/web:pull,push']);
  assert.equal(seen.filter(([name]) => name === 'storage').length, 2, 'both blobs were uploaded there');
  for (const [name, authorization] of seen) assert.equal(authorization, name === 'registry' ? 'Bearer t' : undefined);
});

/** A pusher before scripted answers. @param answer undefined: 201 */
function scripted(answer: (call: Call) => Partial<RegistryResponse> | undefined, base = 'https://r.io/v2/') {
  const calls: Call[] = [];
  const endpoint: Endpoint = { base, registry: 'r.io', mirror: false, skipVerify: false, headers: { 'x-own': '1' } };
  const transport = new Transport();
  transport.send = async (_endpoint, call) => {
    calls.push(call);
    return { status: 201, headers: {}, body: Buffer.alloc(0), ...answer(call) };
  };
  const authorizer = new Authorizer({
    endpoint,
    transport,
    credentials: async () => undefined,
    tokenHost: undefined,
    actions: 'pull,push',
  });
  return { pusher: new Pusher(endpoint, transport, authorizer, 'team/web'), calls };
}

test('an upload that would leave TLS is refused before a byte is sent', async () => {
  const { pusher, calls } = scripted(({ method }) =>
    method === 'HEAD' ? { status: 404 } : { status: 202, headers: { location: 'http://r.io/upload' } },
  );
  const problem = await problemOf(pusher.attach(SUBJECT, ARTIFACT));
  assert.equal(problem.code, 'refused');
  assert.match(problem.message, /r\.io wants an upload without TLS at r\.io; nothing was sent/);
  assert.ok(!calls.some(({ method }) => method === 'PUT'));
});

test('an upload at another origin goes there without the registry’s headers', async () => {
  const { pusher, calls } = scripted(({ method }) =>
    method === 'HEAD'
      ? { status: 404 }
      : method === 'POST'
        ? { status: 202, headers: { location: 'https://cdn.io/u?x=1' } }
        : { headers: { 'oci-subject': DIGEST } },
  );
  await pusher.attach(SUBJECT, ARTIFACT);
  const away = calls.filter(({ url }) => url.startsWith('https://cdn.io/u?x=1&digest=sha256%3A'));
  assert.equal(away.length, 2);
  for (const { headers } of away) assert.deepEqual(headers, { 'content-type': 'application/octet-stream' });
});

test('a refusal names the step, the repository and the registry’s message', async () => {
  const cases: [status: number, code: string][] = [
    [401, 'denied'],
    [403, 'denied'],
    [500, 'unreachable'],
    [413, 'protocol'],
  ];
  for (const [status, code] of cases) {
    const body = Buffer.from('{"errors":[{"message":"quota"}]}');
    const { pusher } = scripted(({ method }) =>
      method === 'POST' ? { status, body } : method === 'HEAD' ? { status: 404 } : {},
    );
    const problem = await problemOf(pusher.attach(SUBJECT, ARTIFACT));
    assert.deepEqual([problem.code, problem.message], [code, `starting an upload at r.io/team/web: ${status}, quota`]);
  }
});

test('without the referrers API the fallback tag keeps every entry, also those of a concurrent writer', async () => {
  const other = { mediaType: OCI_MANIFEST, digest: `sha256:${'b'.repeat(64)}`, size: 1 };
  let stored: { manifests: { digest: string }[] } | undefined;
  let writes = 0;
  const { pusher } = scripted(({ method, url, body }) => {
    if (!url.includes('/manifests/sha256-')) return method === 'HEAD' ? { status: 200 } : undefined;
    if (method === 'GET')
      return stored === undefined ? { status: 404 } : { status: 200, body: Buffer.from(JSON.stringify(stored)) };
    stored = JSON.parse(String(body));
    // The first write is lost: another client read before it and wrote after it.
    if (++writes === 1) stored = { manifests: [other] };
    return undefined;
  });
  const digest = await pusher.attach(SUBJECT, ARTIFACT);
  assert.deepEqual(
    stored?.manifests.map((entry) => entry.digest),
    [other.digest, digest],
  );
  assert.equal(writes, 2);
});

test('the fallback tag: never overwritten where it is something else, given up where it never settles', async () => {
  const answers: [found: Partial<RegistryResponse>, code: string][] = [
    [{ status: 200, body: Buffer.from('{"config":{}}') }, 'protocol'],
    [{ status: 200, body: Buffer.from('<html>') }, 'protocol'],
    [{ status: 403 }, 'denied'],
    [{ status: 200, body: Buffer.from(JSON.stringify({ mediaType: OCI_INDEX, manifests: [] })) }, 'conflict'],
  ];
  for (const [found, code] of answers) {
    const { pusher, calls } = scripted(({ method, url }) =>
      method === 'GET' && url.includes('sha256-') ? found : method === 'HEAD' ? { status: 200 } : undefined,
    );
    assert.equal((await problemOf(pusher.attach(SUBJECT, ARTIFACT))).code, code);
    const writes = calls.filter(({ method, url }) => method === 'PUT' && url.includes('/manifests/sha256-')).length;
    assert.equal(writes, code === 'conflict' ? 5 : 0);
  }
});
