// Election by a Lease: one holder at a time, renewal, takeover after expiry, and races.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import { Problem } from '../problem.ts';
import { acquireLease } from './lease.ts';
import type { KubeObject } from './object.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/n/leases/work';
const NOW = Date.parse('2026-11-25T09:00:00Z');
const acquire = (kube: FakeKube, holder: string, now = NOW) =>
  acquireLease(kube.client, { namespace: 'n', name: 'work', holder, seconds: 10 }, now);
const held = (holder: string, renewed = NOW, transitions = 3) => ({
  spec: {
    holderIdentity: holder,
    renewTime: new Date(renewed).toISOString(),
    leaseDurationSeconds: 10,
    leaseTransitions: transitions,
  },
});

test('without a Lease it is created', async () => {
  const kube = new FakeKube();
  assert.equal(await acquire(kube, 'a'), true);
  assert.deepEqual(kube.writes[0]?.body, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'work', namespace: 'n' },
    spec: {
      holderIdentity: 'a',
      leaseDurationSeconds: 10,
      renewTime: '2026-11-25T09:00:00.000000Z',
      leaseTransitions: 0,
    },
  });
});

const runs: [name: string, lease: KubeObject, after: number, acquired: boolean, transitions?: number][] = [
  ['a valid Lease of another replica is respected', held('b'), 9_999, false],
  ['an expired Lease of another replica is taken over', held('b'), 10_000, true, 4],
  ['the own Lease is renewed before it expires', held('a'), 5_000, true, 3],
  ['the own Lease is renewed after it expired', held('a'), 50_000, true, 3],
  ['a released Lease is acquired', held(''), 0, true, 3],
  ['a Lease that was never renewed is acquired', { spec: { holderIdentity: 'b' } }, 0, true, 1],
  ['an empty Lease is acquired', {}, 0, true, 0],
];
for (const [name, lease, after, acquired, transitions] of runs)
  test(name, async () => {
    const kube = new FakeKube();
    kube.objects.set(PATH, lease);
    assert.equal(await acquire(kube, 'a', NOW + after), acquired);
    assert.equal(kube.writes.length, acquired ? 1 : 0);
    if (!acquired) return;
    const { spec } = kube.objects.get(PATH) as unknown as {
      spec: { holderIdentity: string; leaseTransitions: number };
    };
    assert.equal(spec.holderIdentity, 'a');
    assert.equal(spec.leaseTransitions, transitions);
  });

test('of two replicas that acquire at once the slower one does not hold it', async () => {
  const kube = new FakeKube();
  kube.create = async () => {
    throw new Problem('conflict', 'already exists');
  };
  assert.equal(await acquire(kube, 'a'), false);
});

test('without an answer of the server no one holds it', async () => {
  const kube = new FakeKube();
  kube.failures.set(PATH, new Problem('unreachable', 'down'));
  await assert.rejects(acquire(kube, 'a'), /down/);
});
