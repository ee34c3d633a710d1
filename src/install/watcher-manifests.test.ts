// The watcher's objects: it may read, write Events, and nothing else; its ledger survives restarts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watcherManifests } from './watcher-manifests.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of the API
type Any = any;
const objects = (hintSecret?: string, registrySecret?: string) =>
  watcherManifests({
    namespace: 'tagproof',
    image: 'i@sha256:x',
    install: { clusterName: 'prod', replicas: 1, hintSecret },
    policyMap: 'tagproof-admission',
    registrySecret,
  }) as Any[];
const of = (kind: string, list = objects()) => list.find((object) => object.kind === kind);

test('its role reads workloads and writes Events and reviews only', () => {
  const { rules } = of('ClusterRole');
  for (const { resources, verbs } of rules) {
    assert.ok(!resources.includes('secrets') && !verbs.includes('*') && !resources.includes('*'));
    if (verbs.includes('create'))
      assert.ok(['events', 'tokenreviews', 'subjectaccessreviews'].includes(resources[0]), resources);
    else assert.deepEqual(verbs, ['get', 'list', 'watch']);
  }
});

test('the role for readers is bound to no one', () => {
  const list = objects();
  const bound = list.filter(({ kind }) => kind === 'ClusterRoleBinding').map(({ roleRef }) => roleRef.name);
  assert.deepEqual(bound, ['tagproof-watcher']);
  assert.ok(list.some(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'tagproof-records-reader'));
});

test('the pod is as restricted as the webhook’s (T52), and its ledger is on a volume claim', () => {
  const { spec } = of('StatefulSet');
  const [container] = spec.template.spec.containers;
  assert.equal(spec.template.spec.securityContext.runAsNonRoot, true);
  assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  assert.equal(container.workingDir, '/data');
  assert.equal(spec.volumeClaimTemplates[0].metadata.name, 'data');
  assert.ok(container.volumeMounts.some(({ name, mountPath }: Any) => name === 'data' && mountPath === '/data'));
});

test('options bring their mounts and arguments together', () => {
  const text = JSON.stringify(of('StatefulSet'));
  assert.doesNotMatch(text, /hint-token|\/hints|\/registry/);
  const { spec } = of('StatefulSet', objects('hints', 'pull')).spec.template;
  const [{ args, volumeMounts, env }] = spec.containers;
  assert.deepEqual(args.slice(-2), ['--hint-token', '/hints/token']);
  for (const name of ['hints', 'registry']) {
    assert.ok(volumeMounts.some((mount: Any) => mount.name === name && mount.readOnly === true));
    assert.ok(spec.volumes.some((volume: Any) => volume.name === name));
  }
  assert.ok(env.some(({ name }: Any) => name === 'DOCKER_CONFIG'));
});

test('the API speaks TLS for the names of its Service', () => {
  const { args } = of('StatefulSet').spec.template.spec.containers[0];
  const names = args[args.indexOf('--names') + 1];
  assert.equal(names, 'tagproof-watcher.tagproof.svc,tagproof-watcher.tagproof.svc.cluster.local');
  assert.ok(args.includes('--standalone'));
});
