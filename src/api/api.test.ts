// The API without a socket: who may read, pages, filters, what is wrong with a question.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import type { DeployedContainer } from '../inventory/deployed.ts';
import { openLedger } from '../ledger/open.ts';
import { createApi } from './api.ts';
import { oneTimeToken } from './auth.ts';
import type { Source } from './deployed-page.ts';

const A = `sha256:${'a'.repeat(64)}`;
const row = (i: number, more: Partial<DeployedContainer> = {}): DeployedContainer =>
  deployedRow(`web-${String(i).padStart(4, '0')}`, A, {
    namespace: i % 2 === 0 ? 'shop' : 'lab',
    declared: [`ghcr.io/org/web${i}:v1`],
    ...more,
  });

async function open(rows: DeployedContainer[] = [], hosts?: string[]) {
  const listeners = new Set<() => void>();
  const source: Source = {
    deployed: () => rows,
    synced: true,
    clusters: [{ name: 'prod', synced: true }],
    hasPolicy: false,
    freshness: { lateMs: 0, tags: 1, fresh: 1, objectiveMs: 300_000 },
    polls: () => ({ budget: [], next: [] }),
    metrics: async () => '',
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const { token, guard } = oneTimeToken();
  const ledger = await openLedger(':memory:');
  const app = createApi({ source, ledger, guard, ...(hosts !== undefined && { hosts }) });
  const ask = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    app.request(`http://localhost${path}`, { headers });
  const json = async (path: string) =>
    (await ask(path)).json() as Promise<{
      items: DeployedContainer[];
      after?: string;
      total: number;
      counts: Record<string, number>;
      error?: string;
    }>;
  return {
    app,
    ask,
    json,
    token,
    ledger,
    change: () => {
      for (const listener of listeners) listener();
    },
    listeners,
  };
}

test('nothing is read without the token; the printed address gives a cookie that no script sees', async () => {
  const { ask, token } = await open([row(0)]);
  for (const headers of [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: `Basic ${token}` },
    { cookie: 'tagproof=wrong' },
  ] as Record<string, string>[])
    assert.equal((await ask('/api/v1/deployed', headers)).status, 401);
  const first = await ask(`/?token=${token}`, {});
  assert.equal(first.status, 303);
  assert.match(first.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Strict/i);
  assert.equal((await ask('/api/v1/deployed', { cookie: `tagproof=${token}` })).status, 200);
  assert.equal((await ask('/?token=wrong', {})).status, 401);
  assert.match((await ask('/healthz', {})).headers.get('content-security-policy') ?? '', /default-src 'none'/);
});

test('a page elsewhere cannot reach it by a name of its own', async () => {
  const { app, token } = await open([], ['localhost', '127.0.0.1']);
  const as = (host: string) =>
    app.request('http://x/api/v1/deployed', { headers: { host, authorization: `Bearer ${token}` } });
  assert.equal((await as('localhost:8080')).status, 200);
  assert.equal((await as('evil.test')).status, 421);
});

test('pages come in order and end; filters and words choose, and their counts are of all', async () => {
  const rows = Array.from({ length: 250 }, (_, i) =>
    row(i, i % 10 === 0 ? { running: [identifiedAs(A, { state: 'moved', now: A })] } : {}),
  ).reverse();
  const { json } = await open(rows);
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await json(
      `/api/v1/deployed?limit=100${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`,
    );
    names.push(...page.items.map(({ name }) => name));
    after = page.after;
  } while (after !== undefined);
  assert.equal(new Set(names).size, 250);
  const moved = await json('/api/v1/deployed?filter=moved&namespace=shop');
  assert.equal(moved.total, 25);
  assert.deepEqual([moved.counts['moved'], moved.counts['unpinned']], [25, 125]);
  assert.equal((await json('/api/v1/deployed?q=web-0007')).total, 1);
  assert.equal((await json('/api/v1/deployed?q=WEB7:v1%20lab')).total, 1);
  assert.match((await json('/api/v1/deployed?filter=nonsense')).error ?? '', /expected one of unpinned, moved/);
});

test('questions to the ledger, and what is wrong with one', async () => {
  const { ledger, ask } = await open();
  await ledger.append([
    { kind: 'tag', registry: 'ghcr.io', repository: 'org/app', tag: 'v1', digest: A, source: 'poll' },
  ]);
  const tags = (await (await ask('/api/v1/tags?image=ghcr.io/org/app:v1')).json()) as { tags: { digest: string }[] };
  assert.equal(tags.tags[0]?.digest, A);
  assert.equal((await ask(`/api/v1/where/${A}`)).status, 200);
  assert.equal((await ask('/api/v1/at?time=2026-11-24T00:00:00Z')).status, 200);
  for (const wrong of ['/api/v1/where/latest', '/api/v1/at?time=yesterday', '/api/v1/tags?image=a b', '/api/v1/tags'])
    assert.equal((await ask(wrong)).status, 400, wrong);
  assert.equal((await ask('/api/v1/nothing')).status, 404);
  await ledger.close();
  const broken = await ask(`/api/v1/where/${A}`);
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /sqlite|database|driver/i);
});

test('who listens is told of changes, and forgotten when he goes', async () => {
  const { ask, change, listeners } = await open();
  const answer = await ask('/api/v1/changes');
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  setTimeout(change, 20);
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /event: changed/);
  await reader.cancel();
  change();
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(listeners.size, 0);
});
