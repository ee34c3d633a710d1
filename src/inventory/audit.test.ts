// Audit: workloads under their topmost owners, what the policy says about each, and reports that
// stay small.
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

test('pods are listed under their workload, with the images that were injected into them', () => {
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

test('owners that name each other in a circle do not loop forever', () => {
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

test('each image is evaluated once, whoever runs it; a workload gets the worst outcome of its images', async () => {
  const rules = `rules:\n  - {name: ours, images: ["${host}/**"], digest: resolve}\n  - {name: db, images: ["docker.io/**"], digest: required, mode: warn}\n  - {name: quay, images: ["quay.io/**"], digest: "off"}\n  - {name: pods, images: ["quay.io/**"], kinds: [Pod], digest: required}\n`;
  const policyContext = await loadPolicyContext(parseConfig(rules, 'test'), new Map());
  registry.log.length = 0;
  const audited = await auditWorkloads(client, policyContext, [
    workload('a', [`${host}/web:1`]),
    workload('b', [`${host}/web:1`, 'nginx:1']),
    workload('c', [`${host}/web:1`, 'evil.io/x:1']),
    workload('d', [`${host}/gone:1`]),
    workload('e', ['not a reference!']),
    workload('f', ['quay.io/x:1']), // the Deployment passes, its pods do not
  ]);
  assert.deepEqual(audited.map(outcomeOf), ['allow', 'warn', 'deny', 'deny', 'deny', 'deny']);
  assert.equal(registry.log.filter((line) => line.includes('/web/manifests/1')).length, 1);
});

test('the webhook writes digests into pods only: it does not satisfy a rule that requires one in Git', async () => {
  const rules = `rules:\n  - {name: resolve, images: ["${host}/**"], digest: resolve}\n  - {name: git, images: ["${host}/**"], digest: required}\n`;
  const policyContext = await loadPolicyContext(parseConfig(rules, 'test'), new Map());
  const outcomes = async (templates: boolean) =>
    (await auditWorkloads(client, policyContext, [workload('a', [`${host}/web:1`])], { templates })).map(outcomeOf);
  assert.deepEqual(await outcomes(true), ['deny']);
  assert.deepEqual(await outcomes(false), ['allow']);
});

test('a report contains the worst results, counts the rest, and shows what could not be checked as an error', () => {
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
  const kind = { apiVersion: 'openreports.io/v1alpha1', resource: 'reports', kind: 'Report' };
  const report = reportObject({ kind, namespace: 'n', audited: many, now: new Date(0) }) as {
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
