// One exchange over real TLS: who sees a client certificate, whose certificate may be skipped, when
// a call is repeated.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { openRegistry, problemOf } from '../../test/registry-fixture.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call } from './exchange.ts';
import { connectOptions, Transport } from './transport.ts';

const opened: (() => unknown)[] = [];
after(() => Promise.all(opened.map((close) => close())));

type Pem = { readonly cert: string; readonly key: string };
async function selfSigned(name: string): Promise<Pem> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { cert: certificate.toString('pem'), key: String(key) };
}

type Visit = { readonly path: string; readonly clientCertificate: string | undefined };
/** A TLS server that asks for a client certificate and notes who came. */
async function tlsServer(pem: Pem, answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const visits: Visit[] = [];
  const server = createServer({ ...pem, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    visits.push({ path: request.url ?? '', clientCertificate: peer?.subject?.CN?.toString() });
    answer(request, response);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  opened.push(() => (server.closeAllConnections(), server.close()));
  return { visits, origin: `https://localhost:${(server.address() as AddressInfo).port}` };
}

let registry: Pem;
let stranger: Pem;
let client: Pem;
before(async () => {
  [registry, stranger, client] = await Promise.all([
    selfSigned('registry'),
    selfSigned('stranger'),
    selfSigned('client'),
  ]);
});

const endpointOf = (origin: string, more: Partial<Endpoint> = {}): Endpoint => ({
  base: `${origin}/v2/`,
  registry: 'r',
  mirror: false,
  skipVerify: false,
  headers: {},
  ...more,
});
const get = (url: string): Call => ({ method: 'GET', url, headers: {}, limit: 1000 });
function openTransport(): Transport {
  const transport = new Transport({ backoffMs: 1, deadlineMs: 5000 });
  opened.push(() => transport.close());
  return transport;
}

test('a stranger behind a redirect sees no client certificate, and neither does the registry when it is named again by him', async () => {
  const away = await tlsServer(stranger, (_, response) =>
    response.writeHead(307, { location: `${home.origin}/back` }).end(),
  );
  const home = await tlsServer(registry, (request, response) =>
    request.url === '/back' ? response.end('done') : response.writeHead(307, { location: `${away.origin}/away` }).end(),
  );
  const endpoint = endpointOf(home.origin, { ca: [registry.cert, stranger.cert], client });
  const { status, body } = await openTransport().send(endpoint, get(`${home.origin}/v2/a`));
  assert.deepEqual([status, body.toString()], [200, 'done']);
  assert.deepEqual(home.visits, [
    { path: '/v2/a', clientCertificate: 'client' },
    { path: '/back', clientCertificate: undefined },
  ]);
  assert.deepEqual(away.visits, [{ path: '/away', clientCertificate: undefined }]);
});

test('skipTlsVerify holds for the registry and not for a stranger behind a redirect', async () => {
  const away = await tlsServer(stranger, (_, response) => response.end('content'));
  const home = await tlsServer(registry, (_, response) =>
    response.writeHead(307, { location: `${away.origin}/` }).end(),
  );
  const endpoint = endpointOf(home.origin, { skipVerify: true });
  const problem = await problemOf(openTransport().send(endpoint, get(`${home.origin}/v2/a`)));
  assert.equal(problem.code, 'unreachable');
  assert.match(problem.message, /its certificate is not trusted/);
  assert.equal(home.visits.length, 1);
  assert.equal(away.visits.length, 0);
});

test('a call that only an answer named gets neither certificate nor leave to skip verification', async () => {
  const home = await tlsServer(registry, (_, response) => response.end('content'));
  const endpoint = endpointOf(home.origin, { skipVerify: true, client });
  assert.equal((await openTransport().send(endpoint, get(`${home.origin}/`), true)).status, 200);
  const problem = await problemOf(openTransport().send(endpoint, get(`${home.origin}/`), false));
  assert.match(problem.message, /not trusted/);
  const options = (trusted: boolean) => connectOptions(endpoint, { trusted, away: undefined, authorities: undefined });
  assert.deepEqual(options(false), { timeout: 10_000 });
  assert.deepEqual(options(true), { timeout: 10_000, rejectUnauthorized: false, ...client });
});

test('a redirect from TLS to plain HTTP is not followed', async () => {
  const { host, server } = await openRegistry();
  const home = await tlsServer(registry, (_, response) =>
    response.writeHead(307, { location: `http://${host}/` }).end(),
  );
  const endpoint = endpointOf(home.origin, { ca: [registry.cert] });
  const problem = await problemOf(openTransport().send(endpoint, get(`${home.origin}/v2/a`)));
  assert.equal(problem.code, 'refused');
  assert.deepEqual(server.log, []);
});

test('without its CA the registry itself is not trusted', async () => {
  const home = await tlsServer(registry, (_, response) => response.end());
  const problem = await problemOf(openTransport().send(endpointOf(home.origin), get(`${home.origin}/v2/`)));
  assert.match(problem.message, /its certificate is not trusted .*give its CA under registries/);
  assert.equal(home.visits.length, 0);
});

test('which failures are repeated, and how often', async () => {
  const cases: [name: string, answer: (response: ServerResponse) => unknown, requests: number][] = [
    ['500', (r) => r.writeHead(500).end(), 4],
    ['503', (r) => r.writeHead(503).end(), 4],
    ['429', (r) => r.writeHead(429).end(), 4],
    ['501', (r) => r.writeHead(501).end(), 1],
    ['404', (r) => r.writeHead(404).end(), 1],
    ['a pause of an hour', (r) => r.writeHead(429, { 'retry-after': '3600' }).end(), 1],
    ['a reset', (r) => r.socket?.destroy(), 4],
    ['a body over the limit', (r) => r.end('x'.repeat(2000)), 1],
  ];
  for (const [name, answer, requests] of cases) {
    let count = 0;
    const { host } = await openRegistry({ intercept: (_, response) => (count++, answer(response), true) });
    await openTransport()
      .send(endpointOf(`http://${host}`), get(`http://${host}/v2/`))
      .catch(() => {});
    assert.equal(count, requests, name);
  }
});

test('a body that is given up does not end the process', async (t) => {
  const uncaught = t.mock.fn();
  process.on('uncaughtException', uncaught);
  t.after(() => process.off('uncaughtException', uncaught));
  const { host } = await openRegistry({ intercept: (_, response) => (response.end('x'.repeat(2000)), true) });
  const transport = openTransport();
  for (let i = 0; i < 5; i++) {
    const problem = await problemOf(transport.send(endpointOf(`http://${host}`), get(`http://${host}/v2/`)));
    assert.equal(problem.code, 'limit');
  }
  // The event comes in a later turn of the event loop than the answer.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(uncaught.mock.callCount(), 0);
});

test('a body of exactly the limit is read; HEAD may announce more', async () => {
  const { host } = await openRegistry({
    intercept: (request, response) => (
      request.method === 'HEAD'
        ? response.writeHead(200, { 'content-length': 5000 }).end()
        : response.end('x'.repeat(1000)),
      true
    ),
  });
  const [endpoint, call] = [endpointOf(`http://${host}`), get(`http://${host}/v2/`)];
  assert.equal((await openTransport().send(endpoint, call)).body.length, 1000);
  assert.equal((await openTransport().send(endpoint, { ...call, method: 'HEAD' })).body.length, 0);
});
