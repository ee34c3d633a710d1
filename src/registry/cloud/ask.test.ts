// The exchange with a cloud's endpoint: JSON of a 200 or a problem that never quotes the answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Handler, openRegistry, problemOf } from '../../../test/registry-fixture.ts';
import { ask } from './ask.ts';

async function endpoint(handler: Handler) {
  const { host, server } = await openRegistry({ intercept: (q, r) => (handler(q, r), true) });
  return { url: `http://${host}/token`, log: server.log };
}

test('the JSON of a 200, for the method, headers and body that were given', async () => {
  const { url } = await endpoint((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => response.end(JSON.stringify([request.method, request.headers['metadata-flavor'], body])));
  });
  assert.deepEqual(await ask({ method: 'POST', url, headers: { 'metadata-flavor': 'Google' }, body: 'b' }), [
    'POST',
    'Google',
    'b',
  ]);
  assert.deepEqual(await ask({ method: 'GET', url }), ['GET', null, '']);
});

test('anything else is a problem without a word of the answer', async () => {
  const cases: [name: string, handler: Handler, code: string, message: RegExp][] = [
    ['another status', (_, r) => r.writeHead(403).end('secret'), 'credentials', /status 403/],
    ['no JSON', (_, r) => r.end('secret'), 'credentials', /expected JSON/],
    ['too long', (_, r) => r.end(`"${'secret'.repeat(20_000)}"`), 'limit', /more than 65536 bytes/],
    ['a reset', (q) => q.socket.destroy(), 'credentials', /gives no token/],
  ];
  for (const [name, handler, code, message] of cases) {
    const { url } = await endpoint(handler);
    const problem = await problemOf(ask({ method: 'GET', url }));
    assert.equal(problem.code, code, name);
    assert.match(problem.message, message);
    assert.doesNotMatch(String(problem), /secret/);
  }
});

test('a redirect is not followed: the token of a cloud is asked for at one place', async () => {
  const other = await endpoint((_, response) => response.end('{}'));
  const { url } = await endpoint((_, response) => response.writeHead(307, { location: other.url }).end());
  const problem = await problemOf(ask({ method: 'GET', url }));
  assert.match(problem.message, /status 307/);
  assert.deepEqual(other.log, []);
});
