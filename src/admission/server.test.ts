// The webhook as a server: TLS, certificates and locks that change while it runs, shutdown without
// loss.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { until } from '../../test/until.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { makeCertificates } from '../install/certificate.ts';
import { openLedger } from '../ledger/open.ts';
import { LOCK_TYPE } from '../lock/lock.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { AdmissionServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-serve-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const options = {
  policy: at('tagproof.yaml'),
  templates: 'enforce',
  host: '127.0.0.1',
  port: 0,
  userAgent: 'test',
} as const;
writeFileSync(at('tagproof.yaml'), 'rules: [{name: r, images: ["**"], digest: required}]\n');

const review = (image: string) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      object: { spec: { containers: [{ name: 'c', image }] } },
    },
  });
const PINNED = `x@sha256:${'a'.repeat(64)}`;

async function renew(): Promise<string> {
  const { ca, cert, key } = await makeCertificates(['localhost']);
  writeFileSync(at('tls.key'), key);
  writeFileSync(at('tls.crt'), cert);
  return ca;
}

async function ask(port: number, ca: string, image = PINNED, step = 'validate'): Promise<boolean> {
  const dispatcher = new Agent({ connect: { ca } });
  try {
    const { body } = await request(`https://localhost:${port}/${step}`, {
      method: 'POST',
      body: review(image),
      dispatcher,
    });
    return ((await body.json()) as { response: { allowed: boolean } }).response.allowed;
  } finally {
    await dispatcher.destroy();
  }
}

test('certificates are renewed while reviews continue; old TLS versions are refused (T53)', {
  timeout: 30_000,
}, async () => {
  const first = await renew();
  const server = new AdmissionServer({
    ...options,
    tls: { certFile: at('tls.crt'), keyFile: at('tls.key') },
    log: () => {},
  });
  const port = await server.start();
  assert.equal(await ask(port, first), true);
  assert.equal(await ask(port, first, 'x:1'), false);
  const old = await new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', maxVersion: 'TLSv1.1', rejectUnauthorized: false }, () =>
      resolve('accepted'),
    );
    socket.on('error', (error) => resolve(error.message));
  });
  assert.notEqual(old, 'accepted');
  const second = await renew();
  let asked = 0;
  for (let renewed = false; !renewed; asked++) {
    // At every moment one of the two is served, and no review is rejected.
    const [before, now] = await Promise.all([
      ask(port, first).catch(() => false),
      ask(port, second).catch(() => false),
    ]);
    assert.ok(before || now);
    renewed = now && !before;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(asked < 200);
  }
  await server.stop();
});

test('T53: with --client-ca a caller without a certificate of that CA is refused; probes are answered', async (t) => {
  const { ca, cert, key } = await makeCertificates(['localhost']);
  const [trusted, foreign] = [await makeCertificates(['api']), await makeCertificates(['api'])];
  writeFileSync(at('client-ca.crt'), trusted.ca);
  const server = new AdmissionServer({ ...options, tls: { cert, key }, clientCa: at('client-ca.crt'), log: () => {} });
  t.after(() => server.stop());
  const port = await server.start();
  const statusOf = async (path: string, method: 'GET' | 'POST', client: object) => {
    const dispatcher = new Agent({ connect: { ca, ...client } });
    const body = method === 'POST' ? review(PINNED) : null;
    const answer = await request(`https://localhost:${port}${path}`, { method, body, dispatcher });
    await answer.body.dump();
    await dispatcher.destroy();
    return answer.statusCode;
  };
  for (const client of [{}, { cert: foreign.cert, key: foreign.key }]) {
    assert.equal(await statusOf('/validate', 'POST', client), 401);
    assert.equal(await statusOf('/healthz', 'GET', client), 200);
  }
});

test('shutdown: a review in flight is answered, new connections are refused', { timeout: 30_000 }, async (t) => {
  const slow = { latencyMs: 0 };
  const registry = new EmbeddedRegistry(slow);
  t.after(() => registry.close());
  const host = await registry.listen();
  await pushSample(host, { repository: 'x', tag: '1', platforms: ['linux/amd64'], content: 'x' });
  slow.latencyMs = 2500; // longer than the time that callers get to close their connections
  registry.log.length = 0;
  writeFileSync(
    at('resolve.yaml'),
    `registries: [{host: "${host}"}]\nrules: [{name: r, images: ["**"], digest: resolve}]\n`,
  );
  const { ca, cert, key } = await makeCertificates(['localhost']);
  const server = new AdmissionServer({ ...options, policy: at('resolve.yaml'), tls: { cert, key }, log: () => {} });
  const port = await server.start();
  const inFlight = ask(port, ca, `${host}/x:1`, 'mutate');
  await until(() => registry.log.length > 0, 'the review asked no registry');
  const stopped = server.stop();
  assert.equal(await inFlight, true);
  await stopped;
  await assert.rejects(ask(port, ca));
});

test('an unusable policy, lock or certificate fails the start with its reason', async () => {
  const { cert, key } = await makeCertificates(['localhost']);
  writeFileSync(at('empty.yaml'), '');
  const tls = { cert, key };
  const starts: [more: object, message: RegExp][] = [
    [{ policy: at('empty.yaml') }, /there are no rules/],
    [{ policy: at('gone.yaml') }, /gone\.yaml/],
    [{ lock: at('gone.lock') }, /there is no such lock file/],
  ];
  for (const [more, message] of starts) {
    const server = new AdmissionServer({ ...options, tls, log: () => {}, ...more });
    await assert.rejects(server.start(), message);
  }
  assert.throws(
    () =>
      new AdmissionServer({ ...options, tls: { certFile: at('gone.crt'), keyFile: at('gone.key') }, log: () => {} }),
    /gone\.crt/,
  );
});

test('a lock in a registry: evaluated like an image, reloaded when it changes, never in part', {
  timeout: 30_000,
}, async (t) => {
  const registry = new EmbeddedRegistry();
  t.after(() => registry.close());
  const host = await registry.listen();
  const client = new RegistryClient({ credentials: async () => undefined });
  t.after(() => client.close());
  const reference = parseReference(`${host}/deploy/lock:prod`) as Reference;
  const entry = (digest: string) =>
    `# lock\nversion: 1\nimages:\n  "${host}/web:1": {"digest":"${digest}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
  const push = (text: string, type = LOCK_TYPE) =>
    client
      .pusher(reference)
      .put('prod', { artifactType: type, layer: Buffer.from(text), layerType: type, annotations: {} });
  const digests = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`);
  const { ca, cert, key } = await makeCertificates(['localhost']);
  const lines: string[] = [];
  writeFileSync(at('oci.yaml'), `rules: [{name: r, images: ["${host}/**"], digest: resolve}]\n`);
  const settings = {
    ...options,
    policy: at('oci.yaml'),
    lock: `oci://${host}/deploy/lock:prod`,
    lockEveryMs: 100,
    tls: { cert, key },
    log: (line: object) => lines.push(JSON.stringify(line)),
  };
  await push('not a lock', 'text/plain');
  await assert.rejects(
    new AdmissionServer(settings).start(),
    /expected one layer of type application\/vnd\.tagproof\.lock/,
  );
  writeFileSync(
    at('elsewhere.yaml'),
    `registries: [{host: "${host}"}]\nrules: [{name: r, images: ["elsewhere.test/**"], digest: resolve}]\n`,
  );
  await push(entry(digests[0] as string));
  await assert.rejects(
    new AdmissionServer({ ...settings, policy: at('elsewhere.yaml') }).start(),
    /the policy denies this lock/,
  );
  const server = new AdmissionServer(settings);
  const port = await server.start();
  assert.equal(await ask(port, ca, `${host}/web:1`, 'mutate'), true);
  const mutated = async () => (await patched(port, ca, `${host}/web:1`)).at(0)?.value;
  assert.equal(await mutated(), `${host}/web:1@${digests[0]}`);
  await push('version: 1\nimages:\n  broken');
  await until(
    () => lines.some((line) => line.includes('the previous policy stays in force')),
    () => lines.join('\n'),
  );
  assert.equal(await mutated(), `${host}/web:1@${digests[0]}`);
  await push(entry(digests[1] as string));
  await until(
    async () => (await mutated()) === `${host}/web:1@${digests[1]}`,
    () => lines.join('\n'),
  );
  await server.stop();
});

async function patched(port: number, ca: string, image: string): Promise<{ value: string }[]> {
  const dispatcher = new Agent({ connect: { ca } });
  const { body } = await request(`https://localhost:${port}/mutate`, {
    method: 'POST',
    body: review(image),
    dispatcher,
  });
  const { response } = (await body.json()) as { response: { patch?: string } };
  await dispatcher.destroy();
  return JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString());
}

test('admitted images are recorded with their evidence before the server ends; denied images are not', async () => {
  const ca = await renew();
  const ledger = await openLedger(at('ledger.db'));
  const server = new AdmissionServer({
    ...options,
    tls: { certFile: at('tls.crt'), keyFile: at('tls.key') },
    log: () => {},
    record: () => openLedger(at('ledger.db')),
  });
  const port = await server.start();
  assert.equal(await ask(port, ca), true);
  assert.equal(await ask(port, ca), true);
  assert.equal(await ask(port, ca, 'x:1'), false);
  await server.stop();
  const recorded = await ledger.statements.evidence([PINNED.slice(2)]);
  assert.deepEqual(
    recorded.map(({ outcome, source, reason }) => [outcome, source, reason]),
    [['allow', 'admission', 'pinned to a digest']],
  );
  assert.equal((await ledger.verify()).count, 1);
  await ledger.close();
});
