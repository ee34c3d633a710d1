// The patch that a rollback sends: it tests what it replaces, is tried first, and reaches init containers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/object.ts';
import { applyToCluster } from './apply-to-cluster.ts';

const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const deployment = (metadata: object = {}) =>
  ({
    metadata,
    spec: {
      template: {
        spec: { initContainers: [{ name: 'i', image: 'i:2' }], containers: [{ name: 'c', image: 'c:2' }] },
      },
    },
  }) as unknown as KubeObject;

type Sent = { path: string; patch: { op: string; path: string; value: unknown }[] };
function cluster(object: KubeObject, refuse?: RegExp) {
  const sent: Sent[] = [];
  const kube = {
    get: async () => object,
    patch: async (path: string, _: string, patch: object) => {
      sent.push({ path, patch: patch as Sent['patch'] });
      if (refuse?.test(path)) throw new Error('refused');
      return object;
    },
  };
  return { kube, sent };
}
const images = new Map([
  ['i', 'i:1@sha256:a'],
  ['c', 'c:1@sha256:b'],
]);

test('each image is tested before it is replaced, init containers too; a dry run comes first', async () => {
  const { kube, sent } = cluster(deployment());
  const changed = await applyToCluster(kube, WEB, images, { dryRun: false, by: 'ann: leaks' });
  assert.deepEqual(
    changed.map(({ container, from, to }) => [container, from, to]),
    [
      ['i', 'i:2', 'i:1@sha256:a'],
      ['c', 'c:2', 'c:1@sha256:b'],
    ],
  );
  assert.deepEqual(
    sent.map(({ path }) => path.replace(/.*web/, '')),
    ['?dryRun=All', ''],
  );
  const pointer = (list: string) => `/spec/template/spec/${list}/0/image`;
  assert.deepEqual(sent[1]?.patch.slice(0, 4), [
    { op: 'test', path: pointer('initContainers'), value: 'i:2' },
    { op: 'replace', path: pointer('initContainers'), value: 'i:1@sha256:a' },
    { op: 'test', path: pointer('containers'), value: 'c:2' },
    { op: 'replace', path: pointer('containers'), value: 'c:1@sha256:b' },
  ]);
});

test('a dry run changes nothing; a refused one stops the patch', async () => {
  const dry = cluster(deployment());
  await applyToCluster(dry.kube, WEB, images, { dryRun: true, by: '' });
  assert.deepEqual(
    dry.sent.map(({ path }) => path.includes('dryRun=All')),
    [true],
  );
  const refused = cluster(deployment(), /dryRun/);
  await assert.rejects(applyToCluster(refused.kube, WEB, images, { dryRun: false, by: '' }), /refused/);
  assert.equal(refused.sent.length, 1);
});

test('annotations that are there stay', async () => {
  for (const [metadata, adds] of [
    [{}, true],
    [{ annotations: { a: 'b' } }, false],
  ] as const) {
    const { kube, sent } = cluster(deployment(metadata));
    await applyToCluster(kube, WEB, images, { dryRun: false, by: 'ann' });
    assert.equal(
      sent[1]?.patch.some(({ path }) => path === '/metadata/annotations'),
      adds,
    );
  }
});
