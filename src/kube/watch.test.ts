// The list-and-watch loop against a misbehaving server: gaps, broken connections, errors in the stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Step, scriptedServer, statusError as status } from '../../test/kube-server.ts';
import { until } from '../../test/until.ts';
import type { KubeObject } from './object.ts';
import { Informer, watch } from './watch.ts';

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
const events =
  (lines: object[], end: 'end' | 'cut' | 'stay' = 'end'): Step =>
  (response) => {
    // Chunks do not end at line ends.
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
  done: (calls: string[]) => boolean,
): Promise<{ calls: string[]; urls: URL[]; problems: string[] }> {
  const { client, urls, close } = await scriptedServer(steps);
  const calls: string[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  const loop = watch(client, '/api/v1/pods', {
    signal: stop.signal,
    onList: (items) => calls.push(`list ${items.map(({ metadata }) => metadata?.name).join()}`),
    onChange: ({ type, object: { metadata } }) => calls.push(`${type} ${metadata?.name}`),
    onProblem: (problem) => problems.push(problem.message),
  });
  await until(
    () => done(calls),
    () => `only ${calls.join('; ')} | ${problems.join('; ')}`,
  );
  stop.abort();
  await loop;
  await close();
  return { calls, urls, problems };
}

test('pages make one list; the watch starts at its version; bookmarks advance the version', async () => {
  const { calls, urls } = await run(
    [
      list('5', [object('a', 1)], 'more'),
      list('5', [object('b', 2)]),
      events([event('ADDED', 'c', 6), event('BOOKMARK', '', 9)]),
      events([event('DELETED', 'a', 10)], 'stay'),
    ],
    (all) => all.includes('deleted a'),
  );
  assert.deepEqual(calls, ['list a,b', 'added c', 'deleted a']);
  assert.equal(urls[1]?.searchParams.get('continue'), 'more');
  assert.equal(urls[2]?.searchParams.get('resourceVersion'), '5');
  assert.equal(urls[3]?.searchParams.get('resourceVersion'), '9');
});

test('after a broken connection the watch resumes; nothing is lost or delivered twice', async () => {
  const { calls, urls } = await run(
    [list('1'), events([event('ADDED', 'a', 2)], 'cut'), events([event('MODIFIED', 'a', 3)], 'stay')],
    (all) => all.includes('modified a'),
  );
  assert.deepEqual(calls, ['list ', 'added a', 'modified a']);
  assert.equal(urls[2]?.searchParams.get('resourceVersion'), '2');
});

for (const [name, gap] of [
  ['as a status', status(410)],
  ['as an event', events([{ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } }])],
] as const)
  test(`an expired version (410, ${name}): everything is listed again`, async () => {
    const { calls } = await run(
      [list('1', [object('a', 1)]), gap, list('8', [object('b', 7)]), events([], 'stay')],
      (all) => all.length === 2,
    );
    assert.deepEqual(calls, ['list a', 'list b']);
  });

test('a list that expires between two pages starts again', async () => {
  const { calls } = await run(
    [list('1', [object('a', 1)], 'x'), status(410), list('2', [object('b', 2)]), events([], 'stay')],
    (all) => all.length > 0,
  );
  assert.deepEqual(calls, ['list b']);
});

test('a failure of the server is reported, and retried after a pause', async () => {
  const { calls, problems } = await run(
    [status(500), status(403), list('1'), events([], 'stay')],
    (all) => all.length > 0,
  );
  assert.deepEqual(calls, ['list ']);
  assert.match(problems.join('; '), /status 500.*status 403/);
});

test('an informer is synced after its first list and then follows changes', async () => {
  const { client, close } = await scriptedServer([
    list('1', [object('a', 1), object('b', 1)]),
    events([event('DELETED', 'a', 2), event('ADDED', 'c', 3), event('MODIFIED', 'b', 4)], 'stay'),
  ]);
  let changes = 0;
  const informer = new Informer(() => changes++);
  assert.equal(informer.synced, false);
  const stop = new AbortController();
  const loop = informer.run(client, '/api/v1/pods', stop.signal, () => {});
  await until(
    () => changes >= 4,
    () => `only ${changes} changes`,
  );
  assert.equal(informer.synced, true);
  assert.deepEqual(
    informer.objects().map(({ metadata }) => `${metadata?.name}@${metadata?.resourceVersion}`),
    ['b@4', 'c@3'],
  );
  stop.abort();
  await loop;
  await close();
});
