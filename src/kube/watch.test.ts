// The loop of list and watch against a server that does what real ones do on bad days: gaps, broken
// connections, errors in the stream.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from './client.ts';
import type { KubeObject } from './object.ts';
import { Informer, watch } from './watch.ts';

type Step = (response: ServerResponse, url: URL) => void;

/** Answers each request with the next step; what comes on top waits for ever. */
async function server(steps: Step[]): Promise<{ client: KubeClient; urls: URL[]; close: () => Promise<void> }> {
  const urls: URL[] = [];
  const http = createServer((incoming, response) => {
    const url = new URL(incoming.url as string, 'http://x');
    urls.push(url);
    steps.shift()?.(response, url);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const client = new KubeClient({
    server: `http://127.0.0.1:${port}`,
    headers: async () => ({}),
    tls: {},
    namespace: 'd',
    name: 'fake',
  });
  const close = async () => {
    await client.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { client, urls, close };
}

const object = (name: string, version: number): KubeObject => ({
  metadata: { name, resourceVersion: String(version) },
});
const list =
  (version: string, items: KubeObject[] = [], next?: string): Step =>
  (response) =>
    response.end(
      JSON.stringify({
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: version, continue: next },
        items,
      }),
    );
const status =
  (code: number): Step =>
  (response) =>
    response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, message: `status ${code}` }));
const events =
  (lines: object[], end: 'end' | 'cut' | 'stay' = 'end'): Step =>
  (response) => {
    // Split at odd places: lines do not come in chunks of their own.
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    response.write(text.slice(0, 7));
    setTimeout(() => {
      response.write(text.slice(7));
      if (end === 'end') response.end();
      if (end === 'cut') setTimeout(() => response.destroy(), 20);
    }, 10);
  };
const event = (type: string, name: string, version: number) => ({ type, object: object(name, version) });

async function run(
  steps: Step[],
  done: (told: string[]) => boolean,
): Promise<{ told: string[]; urls: URL[]; problems: string[] }> {
  const { client, urls, close } = await server(steps);
  const told: string[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  const loop = watch(client, '/api/v1/pods', {
    signal: stop.signal,
    onList: (items) => told.push(`list ${items.map(({ metadata }) => metadata?.name).join()}`),
    onChange: ({ type, object: { metadata } }) => told.push(`${type} ${metadata?.name}`),
    onProblem: (problem) => problems.push(problem.message),
  });
  for (let i = 0; !done(told); i++) {
    assert.ok(i < 300, `told only: ${told.join('; ')} | ${problems.join('; ')}`);
    await sleep(20);
  }
  stop.abort();
  await loop;
  await close();
  return { told, urls, problems };
}

test('pages make one list; the watch goes on from its version; bookmarks only move it', async () => {
  const { told, urls } = await run(
    [
      list('5', [object('a', 1)], 'more'),
      list('5', [object('b', 2)]),
      events([event('ADDED', 'c', 6), event('BOOKMARK', '', 9)]),
      events([event('DELETED', 'a', 10)], 'stay'),
    ],
    (all) => all.includes('deleted a'),
  );
  assert.deepEqual(told, ['list a,b', 'added c', 'deleted a']);
  assert.equal(urls[1]?.searchParams.get('continue'), 'more');
  assert.equal(urls[2]?.searchParams.get('resourceVersion'), '5');
  assert.equal(urls[3]?.searchParams.get('resourceVersion'), '9');
});

test('a connection that breaks is taken up where it was; nothing is lost or told twice', async () => {
  const { told, urls } = await run(
    [list('1'), events([event('ADDED', 'a', 2)], 'cut'), events([event('MODIFIED', 'a', 3)], 'stay')],
    (all) => all.includes('modified a'),
  );
  assert.deepEqual(told, ['list ', 'added a', 'modified a']);
  assert.equal(urls[2]?.searchParams.get('resourceVersion'), '2');
});

for (const [name, gap] of [
  ['as a status', status(410)],
  ['as an event', events([{ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } }])],
] as const)
  test(`an expired version (410, ${name}): everything is listed anew`, async () => {
    const { told } = await run(
      [list('1', [object('a', 1)]), gap, list('8', [object('b', 7)]), events([], 'stay')],
      (all) => all.length === 2,
    );
    assert.deepEqual(told, ['list a', 'list b']);
  });

test('a list that expires between two pages begins again', async () => {
  const { told } = await run(
    [list('1', [object('a', 1)], 'x'), status(410), list('2', [object('b', 2)]), events([], 'stay')],
    (all) => all.length > 0,
  );
  assert.deepEqual(told, ['list b']);
});

test('a server that fails is said, and tried again after a pause', async () => {
  const { told, problems } = await run(
    [status(500), status(403), list('1'), events([], 'stay')],
    (all) => all.length > 0,
  );
  assert.deepEqual(told, ['list ']);
  assert.match(problems.join('; '), /status 500.*status 403/);
});

test('an informer knows nothing before its first list, and then what is there', async () => {
  const { client, close } = await server([
    list('1', [object('a', 1), object('b', 1)]),
    events([event('DELETED', 'a', 2), event('ADDED', 'c', 3), event('MODIFIED', 'b', 4)], 'stay'),
  ]);
  let changes = 0;
  const informer = new Informer(() => changes++);
  assert.equal(informer.synced, false);
  const stop = new AbortController();
  const loop = informer.run(client, '/api/v1/pods', stop.signal, () => {});
  while (changes < 4) await sleep(10);
  assert.equal(informer.synced, true);
  assert.deepEqual(
    informer.objects().map(({ metadata }) => `${metadata?.name}@${metadata?.resourceVersion}`),
    ['b@4', 'c@3'],
  );
  stop.abort();
  await loop;
  await close();
});
