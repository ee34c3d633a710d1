// Reports are written by the replica that holds the Lease, and a failure is retried at the next run.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { until } from '../../test/until.ts';
import { loadPolicyContext } from '../evaluate/evaluate.ts';
import { TEMPLATED } from '../kube/kinds.ts';
import { pathOf } from '../kube/object.ts';
import { parseConfig } from '../policy/config-file.ts';
import { RegistryClient } from '../registry/client.ts';
import type { AdmissionConfig } from './admit.ts';
import { makeRegistryAccess } from './pull-secrets.ts';
import { Reporter } from './reporter.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/tagproof/leases/tagproof-reports';
const REPORTS = '/apis/openreports.io/v1alpha1';

async function setUp(t: TestContext) {
  const kube = new FakeKube();
  kube.objects.set('/apis', { groups: [] }).set(REPORTS, { resources: [{ name: 'reports' }] });
  for (const kind of TEMPLATED) kube.lists.set(pathOf(kind), []);
  const pod = {
    metadata: { name: 'p', namespace: 'shop', uid: '1' },
    spec: { containers: [{ name: 'c', image: 'evil.io/x:1' }] },
  };
  kube.lists.set('/api/v1/pods', [pod]).set(`${REPORTS}/reports`, []);
  const client = new RegistryClient({ credentials: async () => undefined });
  t.after(() => client.close());
  const policy = 'rules: [{name: r, images: ["ghcr.io/**"], digest: required}]';
  const namespaces: string[] = [];
  const config: AdmissionConfig = {
    policyContext: await loadPolicyContext(parseConfig(policy, 'test'), new Map()),
    registryAccess: ({ namespace }) => {
      namespaces.push(namespace);
      return makeRegistryAccess(client);
    },
    locked: false,
    templates: 'enforce',
  };
  const lines: { message?: string }[] = [];
  const state: { config: AdmissionConfig | undefined } = { config };
  const log = (line: object) => lines.push(line);
  const reporter = new Reporter({ kube: kube.client, everyMs: 20, instance: 'a', config: () => state.config, log });
  t.after(() => reporter.stop());
  const messages = () => lines.map(({ message }) => message);
  return { kube, reporter, state, lines, messages, namespaces };
}

test('the holder of the Lease writes a report for each namespace, with the webhook’s own credentials', async (t) => {
  const { kube, reporter, messages, namespaces } = await setUp(t);
  reporter.start();
  await until(() => messages().includes('reports written'));
  const report = kube.writes.find(({ path }) => path === `${REPORTS}/namespaces/shop/reports/tagproof`);
  assert.match(JSON.stringify(report?.body), /evil\.io\/x/);
  assert.equal(namespaces[0], '', 'no namespace: no pull secrets');
});

test('another replica with a valid Lease: nothing is written', async (t) => {
  const { kube, reporter, lines } = await setUp(t);
  const spec = { holderIdentity: 'b', renewTime: new Date().toISOString(), leaseDurationSeconds: 3600 };
  kube.objects.set(LEASE, { spec });
  reporter.start();
  await until(() => kube.reads.filter((path) => path === LEASE).length > 3);
  assert.deepEqual(kube.writes, []);
  assert.deepEqual(lines, []);
});

test('a failure is logged, and the next run tries again', async (t) => {
  const { kube, reporter, messages } = await setUp(t);
  kube.objects.delete(REPORTS);
  reporter.start();
  await until(() => messages().includes('cannot write reports'));
  kube.objects.set(REPORTS, { resources: [{ name: 'reports' }] });
  await until(() => messages().includes('reports written'));
});

test('without a policy nothing is written; after stop nothing runs', async (t) => {
  const { kube, reporter, state, messages } = await setUp(t);
  state.config = undefined;
  reporter.start();
  await until(() => kube.writes.length > 0); // the Lease
  assert.deepEqual(messages(), []);
  reporter.stop();
  const reads = kube.reads.length;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(kube.reads.length - reads <= 1);
});
