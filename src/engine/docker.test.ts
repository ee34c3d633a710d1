import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { engineAddress, resolveFromEngine } from './docker.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-engine-'));
const socket = join(folder, 'docker.sock');
const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

/** What the Docker API answers, by path. */
const answers: Record<string, [status: number, body: string]> = {
  '/images/docker.io/library/nginx:1/json': [
    200,
    JSON.stringify({ Id: 'x', RepoDigests: [`mirror.io/nginx@${B}`, `nginx@${A}`] }),
  ],
  '/images/quay.io/a/other:1/json': [200, JSON.stringify({ Id: 'x', RepoDigests: [`quay.io/a/first@${B}`] })],
  '/images/docker.io/library/local:1/json': [200, JSON.stringify({ Id: 'sha256:1', RepoDigests: [] })],
  '/images/docker.io/library/html:1/json': [200, '<html>'],
  '/images/docker.io/library/broken:1/json': [500, ''],
  '/images/docker.io/library/huge:1/json': [200, `{"Id": "${'x'.repeat(5 * 1024 * 1024)}"}`],
  '/images/docker.io/library/strange:1/json': [
    200,
    JSON.stringify({ Id: 'x', RepoDigests: ['<none>@<none>', 'strange:1', `strange@${A.slice(0, 20)}`] }),
  ],
  '/images/docker.io/library/absent:1/json': [200, '{}'],
};
const server = createServer((request, response) => {
  const [status, body] = answers[request.url ?? ''] ?? [404, '{}'];
  response.writeHead(status).end(body);
});

before(() => new Promise<void>((resolve) => server.listen(socket, resolve)));
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const resolve = (image: string) =>
  resolveFromEngine(parseReference(image) as never, { DOCKER_HOST: `unix://${socket}` });

test('RepoDigests: the one of the same repository, else the first', async () => {
  assert.equal((await resolve('nginx:1')).digest, A);
  assert.equal((await resolve('quay.io/a/other:1')).digest, B);
});

test('each failure has a message of its own', async () => {
  await assert.rejects(resolve('local:1'), /without a repository digest: it was built/);
  await assert.rejects(resolve('missing:1'), /has no such image: pull it first/);
  await assert.rejects(resolve('html:1'), /did not answer with JSON/);
  await assert.rejects(resolve('broken:1'), /answered 500/);
  await assert.rejects(
    resolveFromEngine(parseReference('x') as never, { DOCKER_HOST: 'unix:///nonexistent/d.sock' }),
    /cannot reach the engine/,
  );
});

const addresses: [env: NodeJS.ProcessEnv, address: ReturnType<typeof engineAddress>][] = [
  [{ DOCKER_HOST: 'unix:///run/d.sock' }, { url: 'http://localhost', socketPath: '/run/d.sock' }],
  [{ DOCKER_HOST: 'tcp://h:2375' }, { url: 'http://h:2375' }],
  [{ DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1' }, { url: 'https://h:2376' }],
  [{ DOCKER_HOST: 'tcp://h:2376', DOCKER_CERT_PATH: '/certs' }, { url: 'https://h:2376' }],
];
for (const [env, address] of addresses)
  test(`the address of ${JSON.stringify(env)}`, () => assert.deepEqual(engineAddress(env), address));

test('an address of another kind is refused', () =>
  assert.throws(
    () => engineAddress({ DOCKER_HOST: 'ssh://h' }),
    (error) => error instanceof Problem && error.code === 'usage' && /expected unix/.test(error.message),
  ));

test('what the engine answered says where it came from, and names the repository with its digest', async () => {
  const { reference, from, at } = await resolve('nginx:1');
  assert.deepEqual([reference.text, from], [`docker.io/library/nginx@${A}`, 'engine']);
  assert.equal(new Date(at).toISOString(), at);
});

test('an answer above the limit is not read to its end', async () => {
  await assert.rejects(resolve('huge:1'), (error) => error instanceof Problem && error.code === 'limit');
});

test('a repository digest that is none, or that names no digest, is no answer', async () => {
  await assert.rejects(resolve('strange:1'), /without a repository digest/);
  await assert.rejects(resolve('absent:1'), /has the image \(no ID\) without a repository digest/);
});
