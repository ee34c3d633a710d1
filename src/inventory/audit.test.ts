// What exists, under the owners that a person knows, and what the policy says of it; reports stay small.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadPolicyContext } from '../evaluate/evaluate.ts';
import { PODS, TEMPLATED } from '../kube/kinds.ts';
import type { KubeObject } from '../kube/object.ts';
import { parseConfig } from '../policy/config-file.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { type AuditedWorkload, auditWorkloads, outcomeOf } from './audit.ts';
import { reportObject } from './policy-reports.ts';
import { group, pullerOf, type Workload } from './workloads.ts';

const kind = (name: string) => [PODS, ...TEMPLATED].find((item) => item.kind === name) ?? PODS;
const owner = (of: string, name: string, apiVersion = 'apps/v1') => [
  { apiVersion, kind: of, name, uid: `${of}/${name}`, controller: true },
];
function puller(of: string, name: string, images: string[], more: KubeObject & Record<string, unknown> = {}) {
  const { metadata, ...rest } = more;
  const containers = images.map((image, i) => ({ name: `c${i}`, image }));
  const spec = of === 'Pod' ? { containers } : { template: { spec: { containers } }, ...(rest['spec'] as object) };
  return pullerOf(
    kind(of),
    { metadata: { name, namespace: 'n', uid: `${of}/${name}`, ...metadata }, ...rest, spec },
    [],
  );
}

test('pods stand under their workload, with what was put into them on the way', () => {
  const workloads = group([
    puller('Deployment', 'web', ['web:1']),
    puller('ReplicaSet', 'web-1', ['web:1'], { metadata: { ownerReferences: owner('Deployment', 'web') } }),
    puller('ReplicaSet', 'web-0', ['web:0'], {
      metadata: { ownerReferences: owner('Deployment', 'web') },
      spec: { replicas: 0 },
    }),
    puller('Pod', 'web-1-a', ['web:1', 'sidecar:2'], { metadata: { ownerReferences: owner('ReplicaSet', 'web-1') } }),
    puller('Pod', 'web-1-b', ['web:1', 'sidecar:2'], { metadata: { ownerReferences: owner('ReplicaSet', 'web-1') } }),
    puller('Pod', 'alone', ['x']),
    puller('Pod', 'done', ['old'], { status: { phase: 'Succeeded' } }),
    puller('Job', 'over', ['old'], { status: { conditions: [{ type: 'Complete', status: 'True' }] } }),
    puller('Pod', 'rolled', ['r'], {
      metadata: { ownerReferences: owner('Rollout', 'canary', 'argoproj.io/v1alpha1') },
    }),
  ]);
  assert.deepEqual(
    workloads.map(({ kind: of, name, images, pods }) => `${of}/${name} ${images} ${pods}`),
    ['Deployment/web web:1,sidecar:2 2', 'Pod/alone x 1', 'Rollout/canary r 1'],
  );
});

test('owners that name each other in a ring end somewhere', () => {
  const [a, b] = ['a', 'b'].map((name, i) =>
    puller('Pod', name, ['x'], { metadata: { ownerReferences: owner('Pod', i === 0 ? 'b' : 'a', 'v1') } }),
  );
  assert.ok(group([a, b] as never).length > 0);
});

const registry = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
let host = '';
before(async () => {
  host = await registry.listen();
  await pushSample(host, { repository: 'web', tag: '1', platforms: ['linux/amd64'], content: 'web' });
});
after(async () => {
  await client.close();
  await registry.close();
});

const workload = (name: string, images: string[], more: Partial<Workload> = {}): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'n',
  name,
  uid: name,
  images,
  pods: 1,
  ...more,
});

test('each image is asked about once, whoever runs it; the worst of its images is what a workload gets', async () => {
  const rules = `rules:\n  - {name: ours, images: ["${host}/**"], digest: resolve}\n  - {name: db, images: ["docker.io/**"], digest: required, mode: warn}\n  - {name: pods, images: ["quay.io/**"], kinds: [Pod], digest: required}\n`;
  const policyContext = await loadPolicyContext(parseConfig(rules, 'test'), new Map());
  registry.log.length = 0;
  const audited = await auditWorkloads(client, policyContext, [
    workload('a', [`${host}/web:1`]),
    workload('b', [`${host}/web:1`, 'nginx:1']),
    workload('c', [`${host}/web:1`, 'evil.io/x:1']),
    workload('d', [`${host}/gone:1`]),
    workload('e', ['not a reference!']),
    workload('f', ['quay.io/x:1']), // the Deployment would pass, its pods would not
  ]);
  assert.deepEqual(audited.map(outcomeOf), ['allow', 'warn', 'deny', 'deny', 'deny', 'deny']);
  assert.equal(registry.log.filter((line) => line.includes('/web/manifests/1')).length, 1);
});

test('digests are written into pods only: a rule that asks for one in Git is not met by the webhook', async () => {
  const rules = `rules:\n  - {name: resolve, images: ["${host}/**"], digest: resolve}\n  - {name: git, images: ["${host}/**"], digest: required}\n`;
  const policyContext = await loadPolicyContext(parseConfig(rules, 'test'), new Map());
  const outcomes = async (templates: boolean) =>
    (await auditWorkloads(client, policyContext, [workload('a', [`${host}/web:1`])], { templates })).map(outcomeOf);
  assert.deepEqual(await outcomes(true), ['deny']);
  assert.deepEqual(await outcomes(false), ['allow']);
});

test('a report holds the worst, counts the rest, and never says that an open question failed', () => {
  const item = (name: string, reason: string, unchecked: boolean): AuditedWorkload => ({
    workload: workload(name, ['x']),
    images: [{ image: 'x', decision: { outcome: 'deny', results: [{ rule: 'r', ok: false, unchecked, reason }] } }],
  });
  const passing = (i: number): AuditedWorkload => ({
    workload: workload(`ok${i}`, ['x']),
    images: [{ image: 'x', decision: { outcome: 'allow', results: [] } }],
  });
  const many = [
    ...Array.from({ length: 1000 }, (_, i) => passing(i)),
    item('open', 'no answer', true),
    item('bad', 'y'.repeat(5000), false),
  ];
  const report = reportObject(
    { apiVersion: 'openreports.io/v1alpha1', resource: 'reports', kind: 'Report' },
    'n',
    many,
    new Date(0),
  ) as {
    summary: object;
    results: { result: string; message: string }[];
    metadata: { annotations: Record<string, string> };
  };
  assert.deepEqual(report.summary, { pass: 1000, fail: 1, warn: 0, error: 1, skip: 0 });
  assert.deepEqual(
    report.results.slice(0, 3).map(({ result }) => result),
    ['fail', 'error', 'pass'],
  );
  assert.equal(report.metadata.annotations['tagproof.dev/left-out'], '702');
  assert.ok(JSON.stringify(report).length < 300_000);
});
