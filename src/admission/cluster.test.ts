// The watches of the webhook: when policies are reloaded, which bypasses apply, which statuses are written.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { until } from '../../test/until.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import type { KubeObject } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import { Cluster } from './cluster.ts';
import { Metrics } from './metrics.ts';

const path = (plural: string) => `/apis/tagproof.dev/v1alpha1/${plural}`;
const [CLUSTER, NAMESPACED, BYPASSES] = [
  path('imagepolicies'),
  path('namespacedimagepolicies'),
  path('bypasses'),
] as const;
const policy = (generation: number, spec: object = {}): KubeObject => ({
  kind: 'ImagePolicy',
  metadata: { name: 'p', uid: 'id', generation },
  spec: { rules: [{ name: 'r', images: ['b.io/**'], digest: 'required' }], ...spec },
});
const bypass = (more: object = {}, created = new Date().toISOString()): KubeObject => ({
  metadata: { name: 'night', namespace: 'shop', creationTimestamp: created },
  spec: {
    images: ['ghcr.io/org/web:v1'],
    reason: 'incident 4711',
    until: new Date(Date.now() + 3_600_000).toISOString(),
    ...more,
  },
});
const WEB = parseReference('ghcr.io/org/web:v1') as Reference;

function setUp(t: TestContext, bypasses: KubeObject[] = []) {
  const kube = new FakeKube();
  kube.lists
    .set(CLUSTER, [policy(1)])
    .set(NAMESPACED, [])
    .set(BYPASSES, bypasses);
  const lines: object[] = [];
  const metrics = new Metrics();
  const cluster = new Cluster({ kube: kube.client, instance: 'pod', metrics, log: (line) => lines.push(line) });
  t.after(() => cluster.stop());
  const changes: number[] = [];
  const start = async () => {
    cluster.start(() => changes.push(Date.now()));
    await until(() => kube.isWatched(CLUSTER) && kube.isWatched(NAMESPACED) && kube.isWatched(BYPASSES));
  };
  return { kube, cluster, metrics, lines, changes, start };
}

test('the first change is reported once everything has been listed', async (t) => {
  const { kube, cluster, changes, lines } = setUp(t);
  kube.failures.set(NAMESPACED, new Problem('unreachable', 'down'));
  cluster.start(() => changes.push(0));
  await until(() => lines.length > 0);
  assert.equal(cluster.synced, false);
  assert.match(JSON.stringify(lines), /cannot watch namespacedimagepolicies; the last known objects stay in force/);
  assert.deepEqual(changes, []);
  kube.failures.clear();
  await until(() => changes.length === 1);
  assert.equal(cluster.synced, true);
});

test('a new generation causes a reload; a changed status does not', async (t) => {
  const { kube, cluster, changes, start } = setUp(t);
  await start();
  await until(() => changes.length === 1);
  kube.emit(CLUSTER, 'MODIFIED', { ...policy(1), status: { conditions: [] } });
  kube.emit(CLUSTER, 'MODIFIED', policy(2, { rules: [] }));
  await until(() => changes.length === 2);
  assert.equal((await cluster.parts())[0]?.config.rules.length, 0);
  kube.emit(CLUSTER, 'DELETED', policy(2));
  await until(() => changes.length === 3);
  assert.deepEqual(await cluster.parts(), []);
});

test('reading the parts writes the status of each policy, to the status subresource', async (t) => {
  const { kube, cluster, changes, metrics, start } = setUp(t);
  await start();
  await until(() => changes.length === 1);
  await cluster.parts();
  await until(() => kube.writes.length === 1);
  const [{ path: written, body } = { path: '', body: {} }] = kube.writes;
  assert.equal(written, `${CLUSTER}/p/status`);
  assert.equal((body as { status: { observedGeneration: number } }).status.observedGeneration, 1);
  assert.match(metrics.print(), /tagproof_policy_errors_total 0/);
});

test('a status that cannot be written is logged and changes nothing; a deleted object is no failure', async (t) => {
  const { kube, cluster, changes, lines, metrics, start } = setUp(t);
  await start();
  await until(() => changes.length === 1);
  kube.failures.set(`${CLUSTER}/p/status`, new Problem('denied', 'forbidden'));
  assert.equal((await cluster.parts()).length, 1);
  await until(() => lines.length === 1);
  assert.match(JSON.stringify(lines), /cannot write the status of a policy/);
  assert.match(metrics.print(), /tagproof_kubernetes_errors_total 1/);
  kube.failures.set(`${CLUSTER}/p/status`, new Problem('not-found', 'gone'));
  await cluster.parts();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lines.length, 1);
});

test('T19: a bypass applies to its images in its namespace until it ends', async (t) => {
  const { kube, cluster, start } = setUp(t, [bypass()]);
  await start();
  assert.equal(cluster.bypass('shop', WEB)?.name, 'night');
  assert.equal(cluster.bypass('lab', WEB), undefined);
  assert.equal(cluster.bypass('shop', parseReference('ghcr.io/org/web:v2') as Reference), undefined);
  assert.equal(cluster.bypass('shop', WEB, Date.now() + 3_700_000), undefined);
  kube.emit(BYPASSES, 'DELETED', bypass());
  await until(() => cluster.bypass('shop', WEB) === undefined);
});

test('T19: a bypass that was created while the webhook was away is limited to a day, and an invalid one is ignored', async (t) => {
  const week = { until: new Date(Date.now() + 7 * 86_400_000).toISOString() };
  const { kube, cluster, start } = setUp(t, [bypass(week)]);
  await start();
  assert.notEqual(cluster.bypass('shop', WEB, Date.now() + 23 * 3_600_000), undefined);
  assert.equal(cluster.bypass('shop', WEB, Date.now() + 25 * 3_600_000), undefined);
  kube.emit(BYPASSES, 'MODIFIED', bypass({ images: ['**'] }));
  await until(() => cluster.bypass('shop', WEB) === undefined);
});
