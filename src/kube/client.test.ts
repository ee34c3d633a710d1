// Calls to an API server: what is sent, how errors are classified, how lists are read in pages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, type ScriptedServer, type Step, scriptedServer, statusError } from '../../test/kube-server.ts';
import { Problem } from '../problem.ts';

async function withServer<T>(steps: Step[], task: (server: ScriptedServer) => Promise<T>): Promise<T> {
  const server = await scriptedServer(steps);
  try {
    return await task(server);
  } finally {
    await server.close();
  }
}

const CODES: [status: number, code: string][] = [
  [401, 'denied'],
  [403, 'denied'],
  [404, 'not-found'],
  [409, 'conflict'],
  [410, 'changed'],
  [422, 'protocol'],
  [429, 'rate-limited'],
  [500, 'unreachable'],
  [503, 'unreachable'],
];
for (const [status, code] of CODES)
  test(`status ${status} is '${code}', with the server's own message`, () =>
    withServer([statusError(status)], ({ client }) =>
      assert.rejects(client.get('/api/v1/x?secret=1'), (error: Problem) => {
        assert.equal(error.code, code);
        assert.match(
          error.message,
          new RegExp(`the API server \\(fake\\): GET /api/v1/x: status ${status} \\(${status}\\)`),
        );
        return true;
      }),
    ));

test('a page of a proxy in the place of a Status is shown, but only its beginning', () =>
  withServer([(response) => response.writeHead(502).end('x'.repeat(10_000))], ({ client }) =>
    assert.rejects(client.get('/a'), ({ message }: Problem) => /x{500} \(502\)$/.test(message)),
  ));

test('an answer that is no JSON, that breaks off, or that never comes is a problem', async () => {
  await withServer([(response) => response.end('<html>')], ({ client }) =>
    assert.rejects(client.get('/a'), /expected JSON for GET \/a/),
  );
  const cut: Step = (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"a":');
    setImmediate(() => response.destroy());
  };
  await withServer([cut], ({ client }) =>
    assert.rejects(client.get('/a'), ({ code }: Problem) => code === 'unreachable'),
  );
  const { client, close } = await scriptedServer([]);
  await close();
  await assert.rejects(client.get('/a'), ({ code }: Problem) => code === 'unreachable');
});

test('find: only "not found" means that there is nothing', () =>
  withServer([statusError(404), statusError(403), json({ kind: 'Pod' })], async ({ client }) => {
    assert.equal(await client.find('/a'), undefined);
    await assert.rejects(client.find('/a'), ({ code }: Problem) => code === 'denied');
    assert.deepEqual(await client.find('/a'), { kind: 'Pod' });
  }));

test('every request carries credentials and names its media type', () =>
  withServer(Array<Step>(5).fill(json({})), async ({ client, requests, urls }) => {
    await client.create('/a', { b: 1 });
    await client.patch('/a', 'merge', {});
    await client.patch('/a', 'json', []);
    await client.patch('/a?x=1', 'apply', {});
    await client.delete('/a');
    assert.deepEqual(
      requests.map(({ method, headers }) => [method, headers.authorization, headers['content-type']]),
      [
        ['POST', 'Bearer t', 'application/json'],
        ['PATCH', 'Bearer t', 'application/merge-patch+json'],
        ['PATCH', 'Bearer t', 'application/json-patch+json'],
        ['PATCH', 'Bearer t', 'application/apply-patch+yaml'],
        ['DELETE', 'Bearer t', undefined],
      ],
    );
    assert.equal(requests[0]?.body, '{"b":1}');
    assert.equal(urls[3]?.search, '?x=1&fieldManager=tagproof&force=true');
  }));

const page = (names: string[], next?: string) =>
  json({
    apiVersion: 'apps/v1',
    kind: 'DeploymentList',
    metadata: { resourceVersion: '7', continue: next },
    items: names.map((name) => ({ metadata: { name } })),
  });

test('a list is read page by page; its items get apiVersion and kind', () =>
  withServer([page(['a'], 'n&1'), page(['b'])], async ({ client, urls }) => {
    const { items, resourceVersion } = await client.list('/apis/apps/v1/deployments', '&labelSelector=x');
    assert.deepEqual(items, [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'b' } },
    ]);
    assert.equal(resourceVersion, '7');
    assert.deepEqual(
      urls.map(({ search }) => search),
      ['?limit=500&labelSelector=x', '?limit=500&labelSelector=x&continue=n%261'],
    );
  }));

test('a list that expires between pages starts again, three times in all', async () => {
  await withServer([page(['a'], 'x'), statusError(410), page(['b'])], async ({ client }) => {
    const { items } = await client.list('/a');
    assert.deepEqual(
      items.map(({ metadata }) => metadata?.name),
      ['b'],
    );
  });
  await withServer(Array<Step>(4).fill(statusError(410)), async ({ client, urls }) => {
    await assert.rejects(client.list('/a'), ({ code }: Problem) => code === 'changed');
    assert.equal(urls.length, 3);
  });
});

test('the clock is the Date header', () =>
  withServer(
    [(response) => response.writeHead(200, { date: 'Wed, 25 Nov 2026 09:00:00 GMT' }).end('{}')],
    async ({ client }) => assert.equal(await client.clock(), Date.parse('2026-11-25T09:00:00Z')),
  ));

test('a stream is refused unless the answer is 200', () =>
  withServer([statusError(410)], ({ client }) =>
    assert.rejects(client.stream('/a', AbortSignal.timeout(5000)), (error) => error instanceof Problem),
  ));
