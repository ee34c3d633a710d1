// The answers are what is described: nothing is missing, nothing is undescribed, and every path is
// in openapi.json.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { openApi } from '../../test/api-fixtures.ts';
import { deployedRow, identifiedAs } from '../../test/deployed.ts';
import { A, B } from '../../test/watcher-fixtures.ts';
import type { ImageFacts } from '../ledger/event.ts';
import { ANSWERS, type ApiPath } from './answers.ts';
import openapi from './openapi.json' with { type: 'json' };

const evidence = { outcome: 'deny', signers: ['ann'], reason: 'r', checked: 1, since: 0 } as const;
const ROWS = [
  deployedRow('web', A, {
    hold: { digest: A, reason: 'r', by: 'ann', since: '2026-11-24T00:00:00Z' },
    missingPlatforms: ['linux/arm64'],
    running: [
      identifiedAs(A, { state: 'moved', now: B }, { evidence, pullable: { digest: A, served: null, checked: null } }),
      identifiedAs(A, { state: 'different', declared: B }, { blocked: 'it leaks' }),
      identifiedAs(A, { state: 'unknown', reason: 'r' }, { digest: undefined }),
    ],
  }),
  deployedRow('other', B, { tag: undefined, running: [identifiedAs(B, { state: 'exact' })] }),
];
const facts = (platform: string, user: string): ImageFacts => ({
  platform,
  entrypoint: '/web',
  cmd: '',
  user,
  workingDir: '',
  env: {},
  labels: {},
  layers: [],
});

async function filled() {
  const api = await openApi(ROWS);
  const { ledger } = api;
  const workload = { cluster: 'prod', namespace: 'shop', workload: { kind: 'Deployment', name: 'web' } };
  const tag = { kind: 'tag', registry: 'ghcr.io', repository: 'org/app', tag: 'v1', source: 'poll' } as const;
  await ledger.append(
    [
      { kind: 'run', ...workload, container: 'c', type: 'container', image: 'ghcr.io/org/app:v1', digest: A, pods: 1 },
      { ...tag, digest: A },
    ],
    new Date('2026-11-24T00:00:00Z'),
  );
  await ledger.append([{ ...tag, digest: B }], new Date('2026-11-24T01:00:00Z'));
  await ledger.append([
    { kind: 'closure', root: A, members: [{ digest: A, role: 'manifest' }], images: [facts('linux/amd64', 'a')] },
    { kind: 'closure', root: B, members: [{ digest: B, role: 'manifest' }], images: [facts('linux/amd64', 'b')] },
    {
      kind: 'evidence',
      registry: 'ghcr.io',
      repository: 'org/app',
      digest: A,
      outcome: 'allow',
      signers: ['ann'],
      reason: 'r',
      policy: 'p',
      source: 'watcher',
    },
  ]);
  const alarm = { key: 'k', code: 'unpinned', severity: 'warning', subject: 's', message: 'm', about: {} } as const;
  await ledger.alarms.fire([alarm], 'prod', () => [{ sink: 'ops', body: '' }]);
  return api;
}

/** One request for each path; its answer must hold something. */
const REQUESTS: Record<ApiPath, string> = {
  '/api/v1/deployed': '/api/v1/deployed?limit=1',
  '/api/v1/workloads/{namespace}/{kind}/{name}/history': '/api/v1/workloads/shop/Deployment/web/history?cluster=prod',
  '/api/v1/tags': '/api/v1/tags?image=ghcr.io/org/app',
  '/api/v1/moves': '/api/v1/moves?before=2026-11-25T00:00:00Z',
  '/api/v1/diff': `/api/v1/diff?from=${A}&to=${B}`,
  '/api/v1/alarms': '/api/v1/alarms?all',
  '/api/v1/polls': '/api/v1/polls',
  '/api/v1/where/{digest}': `/api/v1/where/${A}`,
  '/api/v1/at': '/api/v1/at?time=2026-11-24T00:30:00Z&namespace=shop&cluster=prod',
  '/v2/{name}/_oci/tag-history/{tag}': '/v2/ghcr.io/org/app/_oci/tag-history/v1',
};

for (const [path, request] of Object.entries(REQUESTS))
  test(`${path} answers what is described, and nothing else`, async () => {
    const { ask, ledger } = await filled();
    const answer = await ask(request);
    assert.equal(answer.status, 200);
    const body = (await answer.json()) as Record<string, unknown>;
    // A field that the schema does not have is dropped by parsing, so it would be a difference.
    assert.deepEqual(v.parse(ANSWERS[path as ApiPath] as v.GenericSchema, body), body);
    for (const [name, value] of Object.entries(body))
      if (Array.isArray(value)) assert.ok(value.length > 0, `${name} is empty: nothing of it was compared`);
    await ledger.close();
  });

test('every path of the server is in openapi.json, and every path there is served', async () => {
  const { app } = await openApi();
  const served = app.routes
    .filter(({ method, path }) => method === 'GET' && /^\/(api|v2)\/[^*]/.test(path))
    .map(({ path }) => path.replace('{.+}', '').replaceAll(/:(\w+)/g, '{$1}'));
  assert.deepEqual([...new Set(served)].sort(), Object.keys(openapi.paths).sort());
});

test('every parameter in a path is described, and every answer has a schema', () => {
  for (const [path, { get }] of Object.entries(openapi.paths)) {
    const inPath = (get.parameters as { in: string; name: string }[]).filter((parameter) => parameter.in === 'path');
    assert.deepEqual(
      inPath.map(({ name }) => `{${name}}`),
      path.match(/\{\w+\}/g) ?? [],
    );
    assert.ok(Object.keys(get.responses['200'].content).length === 1);
  }
  const references = JSON.stringify(openapi).match(/"#\/components\/[^"]+"/g) ?? [];
  for (const reference of new Set(references)) {
    const [, , kind = '', name = ''] = reference.replaceAll('"', '').split('/');
    assert.ok(name in (openapi.components as Record<string, object>)[kind]!, reference);
  }
});
