// Bad answers of a registry: each gives one clear problem, none an endless wait or a full memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerManifest,
  type Handler,
  MANIFEST,
  openClient,
  openRegistry,
  problemOf,
  referenceOf,
  scriptedRegistry,
} from '../../test/registry-fixture.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';

/** A token service at /token of the same host, and a registry that always wants a token. */
const withTokens =
  (token: Handler): Handler =>
  (request, response) =>
    request.url?.startsWith('/token')
      ? token(request, response)
      : response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();

type Fault = {
  readonly name: string;
  readonly handler: Handler;
  readonly code: string;
  readonly message: RegExp;
  /** GET the manifest instead of HEAD. */
  readonly get?: true;
  readonly deadlineMs?: number;
};

const faults: Fault[] = [
  {
    name: '401 without end',
    handler: (_, r) => r.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    code: 'denied',
    message: /gives no access \(401\).*docker login/,
  },
  {
    name: '401 with a Bearer loop',
    handler: withTokens((_, r) => r.end('{"token":"t"}')),
    code: 'denied',
    message: /401/,
  },
  { name: '403', handler: (_, r) => r.writeHead(403).end(), code: 'denied', message: /forbids access/ },
  {
    name: '404 with the registry’s message',
    handler: (_, r) =>
      r.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest \\u001b[31munknown"}]}'),
    code: 'not-found',
    message: /has no localhost:\d+\/a with tag 1 \(404: manifest {1,2}\[31munknown\)/,
    get: true,
  },
  {
    name: '429 without Retry-After',
    handler: (_, r) => r.writeHead(429).end(),
    code: 'rate-limited',
    message: /asks to slow down/,
  },
  {
    name: '429 that asks for an hour',
    handler: (_, r) => r.writeHead(429, { 'retry-after': '3600' }).end(),
    code: 'rate-limited',
    message: /try again after 3600/,
  },
  { name: '500', handler: (_, r) => r.writeHead(500).end(), code: 'unreachable', message: /answered 500/ },
  {
    name: 'connection reset',
    handler: (q) => q.socket.destroy(),
    code: 'unreachable',
    message: /cannot reach localhost/,
  },
  {
    name: 'HTML answer',
    handler: (_, r) =>
      r.writeHead(200, { 'content-type': 'text/html', 'docker-content-digest': digestOf(MANIFEST) }).end('<html>'),
    code: 'protocol',
    message: /sent an HTML page/,
  },
  {
    name: 'schema 1',
    handler: (_, r) =>
      answerManifest(r, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }).end(),
    code: 'protocol',
    message: /schema 1/,
  },
  {
    name: 'never-ending body',
    handler: (_, r) => {
      r.writeHead(200, { 'content-type': OCI_MANIFEST });
      setInterval(() => r.write('x'.repeat(65536)), 1).unref();
    },
    code: 'limit',
    message: /more than the 4194304 bytes/,
    get: true,
  },
  {
    name: 'slow body',
    handler: (_, r) => {
      answerManifest(r).flushHeaders();
      r.write('{');
    },
    code: 'unreachable',
    message: /within the deadline/,
    get: true,
    deadlineMs: 200,
  },
  {
    name: 'announced too large',
    handler: (_, r) => answerManifest(r, { 'content-length': 10_000_000 }).flushHeaders(),
    code: 'limit',
    message: /more than/,
    get: true,
  },
  {
    name: 'shorter than announced',
    handler: (_, r) => answerManifest(r, { 'content-length': 1000 }).write(MANIFEST, () => r.destroy()),
    code: 'unreachable',
    message: /cut its answer after \d+ of 1000 bytes/,
    get: true,
  },
  {
    name: 'redirects without end',
    handler: (q, r) => r.writeHead(307, { location: q.url ?? '' }).end(),
    code: 'protocol',
    message: /more than 5 redirects/,
  },
  {
    name: 'redirect to link-local (T46)',
    handler: (_, r) => r.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
    code: 'refused',
    message: /link-local address/,
  },
  {
    name: 'redirect to a private address',
    handler: (_, r) => r.writeHead(307, { location: 'http://10.0.0.1/x' }).end(),
    code: 'refused',
    message: /private address/,
  },
  {
    name: 'realm at the metadata service (T47)',
    handler: (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer realm="http://169.254.169.254/token"' }).end(),
    code: 'refused',
    message: /link-local/,
  },
  {
    name: 'realm that is no URL',
    handler: (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer realm="token"' }).end(),
    code: 'protocol',
    message: /no URL/,
  },
  {
    name: 'token service down',
    handler: withTokens((_, r) => r.writeHead(503).end()),
    code: 'unreachable',
    message: /token service .* answered 503/,
  },
  {
    name: 'token service without a token',
    handler: withTokens((_, r) => r.end('{}')),
    code: 'protocol',
    message: /without a token/,
  },
];
for (const { name, handler, code, message, get, deadlineMs = 2000 } of faults) {
  test(`fault: ${name}`, async () => {
    const reference = referenceOf(`${await scriptedRegistry(handler)}/a:1`);
    const client = openClient({ deadlineMs });
    const problem = await problemOf(get ? client.manifest(reference) : client.head(reference));
    assert.equal(problem.code, code, String(problem));
    assert.match(problem.message, message);
  });
}

test('nothing listens', async () => {
  const { host, server } = await openRegistry();
  await server.close();
  const problem = await problemOf(openClient().head(referenceOf(`${host}/a:1`)));
  assert.match(String(problem), /nothing listens there/);
});

test('429 with Retry-After is waited for, and the announced limit is known', async () => {
  const times: number[] = [];
  const limit = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' };
  const host = await scriptedRegistry((_, response) => {
    times.push(Date.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '1', ...limit }).end();
    else answerManifest(response).end();
  });
  const client = openClient();
  await client.head(referenceOf(`${host}/a:1`));
  const [first = 0, second = 0] = times;
  assert.ok(second - first >= 990, `asked again after ${second - first} ms`);
  assert.deepEqual(client.rateLimits(), [[host, { limit: 100, remaining: 7, windowSeconds: 21600 }]]);
});

test('5xx once, then an answer', async () => {
  let requests = 0;
  const host = await scriptedRegistry((_, r) => (requests++ === 0 ? r.writeHead(502).end() : answerManifest(r).end()));
  assert.equal((await openClient().head(referenceOf(`${host}/a:1`))).digest, digestOf(MANIFEST));
});

test('Ctrl-C ends waiting at once', async () => {
  const controller = new AbortController();
  const host = await scriptedRegistry(() => controller.abort());
  const problem = await problemOf(
    openClient({ signal: controller.signal, deadlineMs: 30_000 }).head(referenceOf(`${host}/a:1`)),
  );
  assert.equal(problem.code, 'interrupted');
});
