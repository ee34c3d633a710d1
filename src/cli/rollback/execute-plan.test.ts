// A plan of several workloads in a cluster: all of it is tried before any of it is done, and what was done is recorded.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parsePinned } from '../../image/reference.ts';
import { openLedger } from '../../ledger/open.ts';
import { executePlan } from './execute-plan.ts';
import type { RollbackRun } from './rollback-run.ts';

const OLD = `registry.test/app@sha256:${'1'.repeat(64)}`;
const NEW = `registry.test/app@sha256:${'2'.repeat(64)}`;
const folder = mkdtempSync(join(tmpdir(), 'tagproof-plan-'));
const patches: string[] = [];
/** Paths of patches that the API server refuses. */
let refuses = /^never$/;
const server = createServer(async (request, response) => {
  for await (const _ of request);
  const answer = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const url = String(request.url);
  if (request.method === 'PATCH') {
    patches.push(url);
    if (refuses.test(url)) return void answer(403, { kind: 'Status', code: 403, message: 'a quota says no' });
  }
  const spec = { template: { spec: { containers: [{ name: 'c', image: NEW }] } } };
  answer(200, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec });
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(config));
});
beforeEach(() => patches.splice(0));
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** Rolls back the workloads `a` and `b`; `done` are the events of the record. */
async function rollBack(options: object = {}) {
  const ledger = await openLedger(':memory:');
  const steps = ['a', 'b'].map((name) => ({
    workload: { namespace: 'shop', kind: 'Deployment', name },
    chosen: [{ reference: parsePinned(OLD), interval: { container: 'c', cluster: 'fake' } }],
  }));
  const run = { ledger, options: { apply: true, kubeconfig: join(folder, 'kubeconfig'), ...options } };
  try {
    const report = await executePlan(steps as never, [], run as unknown as RollbackRun);
    return { report, entries: (await ledger.verify()).count };
  } finally {
    await ledger.close();
  }
}
/** `a?dryRun=All` */
const shown = () => patches.map((url) => url.replace(/.*\/deployments\//, ''));

test('each workload is tried before the first one is changed; each change is recorded', async () => {
  refuses = /^never$/;
  const { report, entries } = await rollBack();
  assert.deepEqual(report.problems, []);
  // Each is tried once more right before it is changed.
  assert.deepEqual(shown().slice(0, 2), ['a?dryRun=All', 'b?dryRun=All']);
  assert.deepEqual(
    shown().filter((path) => !path.includes('dryRun')),
    ['a', 'b'],
  );
  assert.equal(entries, 2);
});

test('where the API server refuses one workload, no other one is changed', async () => {
  refuses = /\/b\?dryRun/;
  await assert.rejects(rollBack(), /a quota says no/);
  assert.deepEqual(shown(), ['a?dryRun=All', 'b?dryRun=All']);
});

test('with --diff all is tried, and nothing is changed or recorded', async () => {
  refuses = /^never$/;
  const { report, entries } = await rollBack({ diff: true });
  assert.match(report.summary.join(), /nothing was changed/);
  assert.deepEqual(shown(), ['a?dryRun=All', 'b?dryRun=All']);
  assert.equal(entries, 0);
});

test('a workload that somebody changed in between is named, and the record has only what was done', async () => {
  refuses = /\/a$/;
  const { report, entries } = await rollBack();
  assert.match(report.problems.join(), /a quota says no/);
  assert.deepEqual(
    shown().filter((path) => !path.includes('dryRun')),
    ['a', 'b'],
  );
  assert.equal(entries, 1);
});
