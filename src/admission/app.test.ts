// The webhook's paths: a review that fails or takes too long is denied, dry runs leave no trace, strangers are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicyContext } from '../evaluate/evaluate.ts';
import { parseConfig } from '../policy/config-file.ts';
import { Problem } from '../problem.ts';
import type { AdmissionConfig } from './admit.ts';
import { type AppOptions, createApp } from './app.ts';
import { Metrics } from './metrics.ts';
import type { RegistryAccess } from './pull-secrets.ts';

const policyContext = await loadPolicyContext(
  parseConfig('rules: [{name: r, images: ["**"], digest: resolve}]', 'test'),
  new Map(),
);
const config = (registryAccess: () => Promise<RegistryAccess>): AdmissionConfig => ({
  policyContext,
  registryAccess,
  locked: false,
  templates: 'enforce',
});
const NEVER = config(() => new Promise(() => {}));

function start(options: Partial<AppOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const metrics = new Metrics();
  const log = (line: object) => lines.push(line as Record<string, unknown>);
  const app = createApp({ config: () => NEVER, metrics, log, ...options });
  const ask = async (path: string, request: object = {}) => {
    const body = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u',
        operation: 'CREATE',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        object: { spec: { containers: [{ name: 'c', image: 'x:1' }] } },
        ...request,
      },
    });
    const answer = await app.request(path, { method: 'POST', body });
    const text = await answer.text();
    const { response } = (answer.status === 200 ? JSON.parse(text) : {}) as {
      response?: { uid: string; allowed: boolean; status?: { message: string } };
    };
    return { status: answer.status, text, response };
  };
  return { app, ask, lines, metrics };
}

test('T22: a review that takes longer than the API server waits, less a second, is denied', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const runs: [query: string, budgetMs: number][] = [
    ['', 9000],
    ['?timeout=5s', 4000],
    ['?timeout=1s', 1000],
    ['?timeout=0s', 1000],
    ['?timeout=9999s', 9000],
    ['?timeout=x', 9000],
  ];
  for (const [query, budgetMs] of runs) {
    const { ask } = start();
    let answered = false;
    const asked = ask(`/validate${query}`).finally(() => {
      answered = true;
    });
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(budgetMs - 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false, query);
    t.mock.timers.tick(1);
    const { response } = await asked;
    assert.equal(response?.allowed, false, query);
    assert.match(response?.status?.message ?? '', /could not check this in time/);
  }
});

test('T45: an error is a denial, and its message stays in the log', async () => {
  const failing = config(() => Promise.reject(new Problem('credentials', 'secret host')));
  const { ask, lines } = start({ config: () => failing });
  for (const step of ['mutate', 'validate']) {
    const { response, text } = await ask(`/${step}`);
    assert.equal(response?.allowed, false, step);
    assert.match(response?.status?.message ?? '', /tagproof could not check this \(credentials\)/);
    assert.doesNotMatch(text, /secret host/);
  }
  assert.equal(lines.length, 2);
});

test('before the first policy everything is denied, and the pod is not ready', async () => {
  const { ask, app, lines } = start({ config: () => undefined });
  assert.equal((await app.request('/readyz')).status, 503);
  assert.equal((await app.request('/healthz')).status, 200);
  for (const step of ['mutate', 'validate']) {
    const { response } = await ask(`/${step}`);
    assert.equal(response?.allowed, false, step);
    assert.match(response?.status?.message ?? '', /no policy yet/);
  }
  assert.equal(lines[0]?.['message'], 'tagproof has no policy yet, so nothing is admitted');
});

test('a dry run is decided and logged, but causes no Event and no record; nor does the mutating step', async () => {
  const decided: string[] = [];
  const { ask, lines } = start({
    config: () => undefined,
    decided: ({ uid }) => decided.push(uid),
  });
  await ask('/validate', { uid: 'dry', dryRun: true });
  await ask('/mutate', { uid: 'mutate' });
  assert.deepEqual(decided, []);
  assert.deepEqual(
    lines.map(({ uid, dryRun }) => [uid, dryRun]),
    [
      ['dry', true],
      ['mutate', false],
    ],
  );
  await ask('/validate', { uid: 'real', dryRun: false });
  assert.deepEqual(decided, ['real']);
});

test('T53: a caller that is not allowed gets no answer, whatever the path', async () => {
  const { ask, app, lines } = start({
    isCallerAllowed: () => false,
    selfReview: async () => ({ allowed: true }),
  });
  for (const path of ['/mutate', '/validate', '/own']) {
    const { status, text } = await ask(path);
    assert.equal(status, 401, path);
    assert.match(text, /expected a client certificate/);
  }
  assert.deepEqual(lines, []);
  assert.equal((await app.request('/healthz')).status, 200, 'probes have no certificate');
});

test('the answer carries the uid of the review', async () => {
  const { ask } = start({ config: () => undefined });
  assert.equal((await ask('/validate', { uid: '1b2c' })).response?.uid, '1b2c');
});

test('reviews of tagproof’s own objects: an error or a timeout is a denial', async () => {
  const failing = start({ selfReview: () => Promise.reject(new Error('x')) });
  const { response } = await failing.ask('/own');
  assert.equal(response?.allowed, false);
  assert.match(response?.status?.message ?? '', /could not check this \(unreachable\)/);
  assert.equal((await start().ask('/own')).status, 404, 'without a reviewer there is no such path');
});

test('during shutdown callers are asked to close their connections', async () => {
  let draining = false;
  const { app } = start({ draining: () => draining });
  assert.equal((await app.request('/healthz')).headers.get('connection'), null);
  draining = true;
  assert.equal((await app.request('/healthz')).headers.get('connection'), 'close');
});

test('metrics count every validated review and the images of each', async () => {
  const { ask, app } = start({ config: () => undefined });
  await ask('/validate');
  await ask('/mutate');
  const text = await (await app.request('/metrics')).text();
  assert.match(text, /tagproof_review_seconds_count\{step="validate",allowed="false"\} 1/);
  assert.match(text, /tagproof_review_seconds_count\{step="mutate",allowed="false"\} 1/);
});
