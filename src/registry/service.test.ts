// Servers beside a registry: which URLs, whose credentials, how an answer's host is reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient, openRegistry, problemOf } from '../../test/registry-fixture.ts';

const credentials = async () => ({ kind: 'basic', username: 'u', password: 'secret' }) as const;

/** A server that wants a password, and the Authorization headers that it saw. */
async function guardedServer() {
  const seen: (string | undefined)[] = [];
  const { host } = await openRegistry({
    intercept: (request, response) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else response.end('content');
      return true;
    },
  });
  return { host, seen };
}

test('a service without a registry never gets credentials', async () => {
  const { host, seen } = await guardedServer();
  const service = openClient({ credentials }).service({ url: `http://${host}/tsa` });
  assert.equal((await service.get('x', 'scope', 1000)).status, 401);
  await service.post('', 'body', {}, 1000);
  assert.deepEqual([...new Set(seen)], [undefined]);
});

test('a service of a registry gets the registry’s credentials after a challenge; a POST never does', async () => {
  const { host, seen } = await guardedServer();
  const service = openClient({ credentials }).service({ url: `http://${host}`, registry: 'r.io' });
  assert.equal((await service.get('v2/x', 'scope', 1000)).body.toString(), 'content');
  assert.deepEqual(seen, [undefined, `Basic ${Buffer.from('u:secret').toString('base64')}`]);
  await service.post('', 'body', {}, 1000);
  assert.equal(seen.at(-1), undefined);
});

test('paths are below the URL, and only http and https are URLs', async () => {
  const { host, server } = await openRegistry({ intercept: (_, response) => (response.end(), true) });
  const client = openClient();
  await client.service({ url: `http://${host}/a` }).get('b/c', 's', 10);
  await client.service({ url: `http://${host}/a/` }).get('b', 's', 10);
  await client.service({ url: `http://${host}/tsa` }).post('', 'x', {}, 10);
  assert.deepEqual(server.log, ['GET /a/b/c', 'GET /a/b', 'POST /tsa']);
  for (const url of ['ftp://r.io', 'r.io', 'file:///etc', 'https://'])
    assert.throws(() => client.service({ url }), { code: 'usage' }, url);
});

test('a host that an answer named is reached at checked addresses; one that nobody named at public ones', async () => {
  const { host, server } = await openRegistry({ intercept: (_, response) => (response.end('x'), true) });
  const literal = host.replace('localhost', '127.0.0.1');
  const client = openClient({ isNamed: () => false });
  const unnamed = client.service({ url: `http://${literal}`, registry: literal });
  assert.equal((await problemOf(unnamed.get('x', 's', 10))).code, 'refused');
  assert.deepEqual(server.log, []);
  const answered = client.service({ url: `http://${literal}`, answered: true });
  assert.equal((await answered.get('x', 's', 10)).status, 200, 'its own class of network is itself');
});
