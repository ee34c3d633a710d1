import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseReference } from '../image/reference.ts';
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

test('RepoDigests: the asked repository first, else the first', async () => {
  assert.equal((await resolve('nginx:1')).digest, A);
  assert.equal((await resolve('quay.io/a/other:1')).digest, B);
});

test('each failure has its own words', async () => {
  await assert.rejects(resolve('local:1'), /without a repository digest: it was built/);
  await assert.rejects(resolve('missing:1'), /has no such image: pull it first/);
  await assert.rejects(resolve('html:1'), /did not answer with JSON/);
  await assert.rejects(resolve('broken:1'), /answered 500/);
  await assert.rejects(
    resolveFromEngine(parseReference('x') as never, { DOCKER_HOST: 'unix:///nonexistent/d.sock' }),
    /cannot reach the engine/,
  );
});

test('addresses', () => {
  assert.deepEqual(engineAddress({ DOCKER_HOST: 'tcp://h:2375' }), { url: 'http://h:2375' });
  assert.deepEqual(engineAddress({ DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1' }), { url: 'https://h:2376' });
  assert.throws(() => engineAddress({ DOCKER_HOST: 'ssh://h' }), /expected unix/);
});
