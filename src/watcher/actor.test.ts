// Who changed a workload last: from managedFields and annotations, and how the API server is asked
// for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { actorOf, askActors } from './actor.ts';

test('the actor: the last manager of an image, and what deployment tools write beside it', () => {
  const fields = (name: string) => ({
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { [`k:{"name":"${name}"}`]: { 'f:image': {} } } } } },
  });
  const manager = (name: string, time: string, fieldsV1: object) => ({
    manager: name,
    operation: 'Update',
    time,
    fieldsV1,
  });
  const managedFields = [
    manager('helm', '2026-11-01T00:00:00Z', fields('c')),
    manager('kubectl-set', '2026-11-02T00:00:00Z', fields('c')),
    manager('kube-controller-manager', '2026-11-03T00:00:00Z', { 'f:status': {} }),
  ];
  const cases: [metadata: object, actor: string | undefined][] = [
    [{ managedFields }, 'kubectl-set'],
    [{ managedFields, annotations: { 'kubernetes.io/change-cause': 'fix the leak' } }, 'kubectl-set, “fix the leak”'],
    [{ annotations: { 'meta.helm.sh/release-name': 'web' } }, 'Helm release web'],
    [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'Flux kustomization apps'],
    [{}, undefined],
  ];
  for (const [metadata, actor] of cases) assert.equal(actorOf({ metadata } as never), actor);
});

test('the first tool counts, and a long text is cut', () => {
  const annotations = { 'argocd.argoproj.io/tracking-id': 'shop', 'meta.helm.sh/release-name': 'web' };
  assert.equal(actorOf({ metadata: { annotations } } as never), 'Argo CD shop');
  const cause = 'x'.repeat(500);
  assert.equal(actorOf({ metadata: { annotations: { 'kubernetes.io/change-cause': cause } } } as never)?.length, 200);
});

test('managedFields that are nested without end are not followed to the end', () => {
  const nested = Array.from({ length: 10_000 }).reduce<object>((inner) => ({ f: inner }), { 'f:image': {} });
  const managedFields = [{ manager: 'deep', operation: 'Update', time: '2026-11-01T00:00:00Z', fieldsV1: nested }];
  assert.equal(actorOf({ metadata: { managedFields } } as never), undefined);
});

/** An API server that has these objects, and counts requests. */
function fakeKube(objects: readonly KubeObject[]) {
  const requests: string[] = [];
  const kube = {
    find: async (path: string) => {
      requests.push(`find ${path}`);
      return objects.find(({ metadata }) => path.endsWith(`/${metadata?.name}`));
    },
    list: async (path: string, _: string, take: (object: KubeObject) => void) => {
      requests.push(`list ${path}`);
      for (const object of objects) take(object);
    },
  };
  return { kube: kube as unknown as KubeClient, requests };
}
const deployment = (name: string): KubeObject => ({
  metadata: { name, namespace: 'shop', annotations: { 'meta.helm.sh/release-name': name } },
});

test('some workloads are read one by one, many as one list; a custom resource is not read at all', async () => {
  const named = (name: string, kind = 'Deployment') => ({ namespace: 'shop', kind, name });
  const few = fakeKube([deployment('web'), deployment('other')]);
  const actors = await askActors(few.kube, [named('web'), named('gone'), named('web', 'Rollout')]);
  assert.deepEqual([...actors], [['shop/Deployment/web', 'Helm release web']]);
  assert.deepEqual(few.requests, [
    'find /apis/apps/v1/namespaces/shop/deployments/web',
    'find /apis/apps/v1/namespaces/shop/deployments/gone',
  ]);
  const names = Array.from({ length: 21 }, (_, i) => `web-${i}`);
  const many = fakeKube([...names.map(deployment), deployment('nobody asked for')]);
  assert.equal(
    (
      await askActors(
        many.kube,
        names.map((name) => named(name)),
      )
    ).size,
    21,
  );
  assert.deepEqual(many.requests, ['list /apis/apps/v1/deployments']);
});
