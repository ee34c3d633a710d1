import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, test } from 'node:test';
import type { Reference } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type ClientOptions, RegistryClient } from './client.ts';
import { type EmbeddedOptions, EmbeddedRegistry } from './embedded.ts';
import { pushSample } from './sample.ts';

const open: (() => Promise<void>)[] = [];
after(() => Promise.all(open.map((close) => close())));

async function registry(options: EmbeddedOptions = {}): Promise<{ host: string; server: EmbeddedRegistry }> {
  const server = new EmbeddedRegistry(options);
  open.push(() => server.close());
  return { host: await server.listen(), server };
}

function client(options: ClientOptions = {}): RegistryClient {
  const made = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000, ...options });
  open.push(() => made.close());
  return made;
}

function ref(text: string): Reference {
  const reference = parseReference(text);
  if (reference instanceof Problem) throw reference;
  return reference;
}

const sample = { repository: 'team/web', tag: '1', platforms: ['linux/amd64', 'linux/arm64'], content: 'x' };

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const outcome = await promise.then(
    () => assert.fail('expected a problem'),
    (error) => error,
  );
  assert.ok(outcome instanceof Problem, `${outcome?.stack ?? outcome}`);
  return outcome;
}

// --- the handshake ---

test('an open registry: one HEAD, no GET', async () => {
  const { host, server } = await registry();
  const digest = await pushSample(host, sample);
  server.log.length = 0;
  const head = await client().head(ref(`${host}/team/web:1`));
  assert.equal(head.digest, digest);
  assert.equal(head.mediaType, 'application/vnd.oci.image.index.v1+json');
  assert.deepEqual(server.log, ['HEAD /v2/team/web/manifests/1']);
});

test('Basic: credentials after the challenge only, and to that host only', async () => {
  const { host } = await registry({ auth: { kind: 'basic', username: 'u', password: 'p' } });
  await pushSample(host, sample);
  const asked: string[] = [];
  const credentials = async (name: string) => {
    asked.push(name);
    return { kind: 'basic', username: 'u', password: 'p' } as const;
  };
  await client({ credentials }).head(ref(`${host}/team/web:1`));
  assert.deepEqual([...new Set(asked)], [host]);
  const problem = await problemOf(client().head(ref(`${host}/team/web:1`)));
  assert.equal(problem.code, 'denied');
});

const counts: [name: string, scopesHonoured: number, requests: number][] = [
  ['a service that grants all scopes', Number.POSITIVE_INFINITY, 105],
  ['a service that grants the first scope only', 1, 201],
  ['a service that grants some', 10, 201],
];
for (const [name, scopesHonoured, most] of counts) {
  test(`Bearer, 100 repositories, ${name}: at most ${most} requests, all HEAD`, async () => {
    const { host, server } = await registry({ auth: { kind: 'bearer' }, scopesHonoured });
    const references: Reference[] = [];
    for (let i = 0; i < 100; i++) {
      await pushSample(host, { ...sample, repository: `team/web${i}`, platforms: ['linux/amd64'] });
      references.push(ref(`${host}/team/web${i}:1`));
    }
    server.log.length = 0;
    const one = client();
    one.expect(references);
    await Promise.all(references.map((reference) => one.head(reference)));
    assert.ok(server.log.length <= most, `${server.log.length} requests`);
    assert.equal(server.log.filter((line) => line.startsWith('GET /v2')).length, 0);
    const again = server.log.length;
    await Promise.all(references.map((reference) => one.head(reference)));
    assert.equal(server.log.length - again, 100, 'tokens are kept');
  });
}

test('Bearer: tokens of one repository are fetched once, however many ask at once', async () => {
  const { host, server } = await registry({ auth: { kind: 'bearer', username: 'u', password: 'p' } });
  await pushSample(host, sample);
  server.log.length = 0;
  const one = client({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'p' }) });
  await Promise.all(Array.from({ length: 20 }, () => one.head(ref(`${host}/team/web:1`))));
  assert.equal(server.log.filter((line) => line.endsWith('/token')).length, 1);
});

// --- bad answers: each gives one clear problem ---

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const manifest = Buffer.from('{"schemaVersion":2}');
const ok = (response: ServerResponse, headers: Record<string, string | number> = {}) =>
  response.writeHead(200, {
    'content-type': OCI_MANIFEST,
    'docker-content-digest': digestOf(manifest),
    'content-length': manifest.length,
    ...headers,
  });

const faults: [name: string, handler: Handler, code: string, message: RegExp, get?: boolean][] = [
  [
    '401 for ever',
    (_, r) => r.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    'denied',
    /gives no access \(401\).*docker login/,
  ],
  [
    '401 with a Bearer loop',
    (q, r) =>
      q.url?.startsWith('/token')
        ? r.end('{"token":"t"}')
        : r.writeHead(401, { 'www-authenticate': `Bearer realm="http://${q.headers.host}/token"` }).end(),
    'denied',
    /401/,
  ],
  ['403', (_, r) => r.writeHead(403).end(), 'denied', /forbids access/],
  [
    '404 in the registry’s words',
    (_, r) => r.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest \\u001b[31munknown"}]}'),
    'not-found',
    /has no localhost:\d+\/a with tag 1 \(404: manifest {1,2}\[31munknown\)/,
    true,
  ],
  ['429 without Retry-After', (_, r) => r.writeHead(429).end(), 'rate-limited', /asks to slow down/],
  [
    '429 that asks for an hour',
    (_, r) => r.writeHead(429, { 'retry-after': '3600' }).end(),
    'rate-limited',
    /try again after 3600/,
  ],
  ['500', (_, r) => r.writeHead(500).end(), 'unreachable', /answered 500/],
  ['connection reset', (q) => q.socket.destroy(), 'unreachable', /cannot reach localhost/],
  [
    'HTML answer',
    (_, r) =>
      r.writeHead(200, { 'content-type': 'text/html', 'docker-content-digest': digestOf(manifest) }).end('<html>'),
    'protocol',
    /sent 'text\/html'/,
  ],
  [
    'schema 1',
    (_, r) => ok(r, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }).end(),
    'protocol',
    /schema 1/,
  ],
  [
    'never-ending body',
    (_, r) =>
      void (r.writeHead(200, { 'content-type': OCI_MANIFEST }),
      setInterval(() => r.write('x'.repeat(65536)), 1).unref()),
    'limit',
    /more than the 4194304 bytes/,
    true,
  ],
  ['slow body', (_, r) => void (ok(r).flushHeaders(), r.write('{')), 'unreachable', /within the deadline/, true],
  ['announced too large', (_, r) => ok(r, { 'content-length': 10_000_000 }).flushHeaders(), 'limit', /more than/, true],
  [
    'wrong digest (T3)',
    (_, r) => ok(r, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end(manifest),
    'mismatch',
    /expected sha256:0000/,
    true,
  ],
  [
    'shorter than announced',
    (_, r) => void (ok(r, { 'content-length': 100 }).write(manifest), setTimeout(() => r.destroy(), 10)),
    'unreachable',
    /cannot reach/,
    true,
  ],
  [
    'redirects without end',
    (q, r) => r.writeHead(307, { location: q.url ?? '' }).end(),
    'protocol',
    /more than 5 redirects/,
  ],
  [
    'redirect to link-local (T46)',
    (_, r) => r.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
    'refused',
    /link-local address/,
  ],
  [
    'redirect to a private address',
    (_, r) => r.writeHead(307, { location: 'http://10.0.0.1/x' }).end(),
    'refused',
    /private address/,
  ],
  [
    'realm at the metadata service (T47)',
    (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer realm="http://169.254.169.254/token"' }).end(),
    'refused',
    /link-local/,
  ],
  [
    'realm that is no URL',
    (_, r) => r.writeHead(401, { 'www-authenticate': 'Bearer realm="token"' }).end(),
    'protocol',
    /no URL/,
  ],
  [
    'token service down',
    (q, r) =>
      q.url?.startsWith('/token')
        ? r.writeHead(503).end()
        : r.writeHead(401, { 'www-authenticate': `Bearer realm="http://${q.headers.host}/token"` }).end(),
    'unreachable',
    /token service .* answered 503/,
  ],
  [
    'token service without a token',
    (q, r) =>
      q.url?.startsWith('/token')
        ? r.end('{}')
        : r.writeHead(401, { 'www-authenticate': `Bearer realm="http://${q.headers.host}/token"` }).end(),
    'protocol',
    /without a token/,
  ],
];
for (const [name, handler, code, message, get] of faults) {
  test(`fault: ${name}`, async () => {
    const { host } = await registry({ intercept: (request, response) => (handler(request, response), true) });
    const one = client({ deadlineMs: name === 'slow body' ? 200 : 2000 });
    const problem = await problemOf(get ? one.manifest(ref(`${host}/a:1`)) : one.head(ref(`${host}/a:1`)));
    assert.equal(problem.code, code, String(problem));
    assert.match(problem.message, message);
  });
}

test('nothing listens', async () => {
  const { host, server } = await registry();
  await server.close();
  const problem = await problemOf(client().head(ref(`${host}/a:1`)));
  assert.match(String(problem), /nothing listens there/);
});

test('429 with Retry-After is waited for, by all requests to the host', async () => {
  let first = 0;
  const { host } = await registry({
    intercept: (_, response) => {
      first ||= Date.now();
      if (Date.now() - first < 900)
        response
          .writeHead(429, { 'retry-after': '1', 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' })
          .end();
      else ok(response).end();
      return true;
    },
  });
  const one = client();
  await one.head(ref(`${host}/a:1`));
  assert.deepEqual(one.rateLimits(), [[host, { limit: 100, remaining: 7, windowSeconds: 21600 }]]);
});

test('5xx once, then fine', async () => {
  let requests = 0;
  const { host } = await registry({
    intercept: (_, r) => (requests++ === 0 ? r.writeHead(502).end() : ok(r).end(), true),
  });
  assert.equal((await client().head(ref(`${host}/a:1`))).digest, digestOf(manifest));
});

test('HEAD refused, or without a digest: GET and hash', async () => {
  for (const answer of [
    (r: ServerResponse) => r.writeHead(405).end(),
    (r: ServerResponse) => r.writeHead(200, { 'content-type': OCI_MANIFEST }).end(),
  ]) {
    const { host } = await registry({
      intercept: (q, r) => (
        q.method === 'HEAD' ? answer(r) : r.writeHead(200, { 'content-type': OCI_MANIFEST }).end(manifest), true
      ),
    });
    assert.equal((await client().head(ref(`${host}/a:1`))).digest, digestOf(manifest));
  }
});

test('redirects drop credentials when they leave the origin (T48)', async () => {
  const seen: (string | undefined)[] = [];
  const cdn = await registry({ intercept: (q, r) => (seen.push(q.headers.authorization), ok(r).end(manifest), true) });
  const { host } = await registry({
    intercept: (q, r) => {
      if (q.headers.authorization === undefined) r.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else r.writeHead(307, { location: `http://${cdn.host}${q.url}` }).end();
      return true;
    },
  });
  await client({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'secret' }) }).manifest(
    ref(`${host}/a:1`),
  );
  assert.deepEqual(seen, [undefined]);
});

test('credentials do not follow a realm to another domain; an anonymous token may', async () => {
  const { host } = await registry({
    intercept: (_, r) => (
      r.writeHead(401, { 'www-authenticate': 'Bearer realm="http://127.0.0.2:9/token"' }).end(), true
    ),
  });
  const one = client({ credentials: async () => ({ kind: 'basic', username: 'u', password: 'secret' }) });
  const problem = await problemOf(one.head(ref(`${host}/a:1`)));
  assert.equal(problem.code, 'refused');
  assert.match(problem.message, /tokenHost: 127\.0\.0\.2:9/);
  assert.doesNotMatch(String(problem), /secret/);
});

test('an identity token goes by POST, in the body', async () => {
  const seen: string[] = [];
  const { host } = await registry({
    intercept: (q, r) => {
      if (q.url === '/token') {
        q.on('data', (chunk) => seen.push(`${q.method} ${chunk}`)).on('end', () =>
          r.end('{"access_token":"t","expires_in":60}'),
        );
      } else if (q.headers.authorization === 'Bearer t') ok(r).end();
      else r.writeHead(401, { 'www-authenticate': `Bearer realm="http://${q.headers.host}/token",service="s"` }).end();
      return true;
    },
  });
  await client({ credentials: async () => ({ kind: 'identity', token: 'refresh' }) }).head(ref(`${host}/a:1`));
  assert.deepEqual(seen, [
    'POST grant_type=refresh_token&client_id=tagproof&refresh_token=refresh&scope=repository%3Aa%3Apull&service=s',
  ]);
});

test('Ctrl-C ends waiting at once', async () => {
  const { host } = await registry({ intercept: () => true });
  const controller = new AbortController();
  const pending = problemOf(client({ signal: controller.signal, deadlineMs: 30_000 }).head(ref(`${host}/a:1`)));
  setTimeout(() => controller.abort(), 20);
  assert.equal((await pending).code, 'interrupted');
});

test('a digest is asked for by digest, and a blob is hashed', async () => {
  const { host, server } = await registry();
  const digest = await pushSample(host, sample);
  const one = client();
  const index = await one.manifest(ref(`${host}/team/web:2@${digest}`));
  const [child] = (JSON.parse(index.bytes.toString()) as { manifests: { digest: string }[] }).manifests;
  const image = JSON.parse((await one.manifest(ref(`${host}/team/web@${child?.digest}`))).bytes.toString()) as {
    config: { digest: string };
  };
  assert.match((await one.blob(ref(`${host}/team/web`), image.config.digest)).toString(), /"architecture":"amd64"/);
  assert.ok(server.log.includes(`GET /v2/team/web/manifests/${digest}`));
});
