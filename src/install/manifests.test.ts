// What an installation must always contain. A real API server reads it in test/real/admission.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from './manifests.ts';
import type { InstallOptions } from './options.ts';

const options: InstallOptions = {
  namespace: 'tagproof',
  image: `ghcr.io/org/tagproof@sha256:${'a'.repeat(64)}`,
  policy: 'rules: []',
  tls: { ca: 'CA', cert: 'CERT', key: 'KEY' },
  exemptNamespaces: ['kube-system'],
  failurePolicy: 'Fail',
  templates: 'enforce',
  replicas: 2,
  cluster: false,
  pullSecrets: false,
};
// biome-ignore lint/suspicious/noExplicitAny: objects of the API
const of = (kind: string, more: Partial<InstallOptions> = {}): any =>
  manifests({ ...options, ...more }).find((object) => (object as { kind: string }).kind === kind);

test('the pod runs as no root, with a read-only file system, without a token that it does not need (T52)', () => {
  const { spec } = of('Deployment').spec.template;
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.securityContext.runAsNonRoot, true);
  assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' });
  const [container] = spec.containers;
  assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  assert.deepEqual(container.securityContext.capabilities, { drop: ['ALL'] });
  assert.ok(container.resources.limits.memory);
});

test('the cluster can recover: kube-system and its own namespace are exempt (T20: by name, not by label)', () => {
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    const [hook] = of(kind).webhooks;
    assert.deepEqual(hook.namespaceSelector.matchExpressions, [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'tagproof'] },
    ]);
    assert.equal(hook.objectSelector, undefined);
    assert.ok(hook.rules[0].resources.includes('pods/ephemeralcontainers'));
  }
});

test('cert-manager keeps the key: the output contains none', () => {
  const objects = manifests({ ...options, tls: 'cert-manager' });
  assert.doesNotMatch(JSON.stringify(objects), /"Secret"|caBundle|KEY/);
  assert.equal(of('Certificate', { tls: 'cert-manager' }).spec.secretName, 'tagproof-admission');
  const { annotations } = of('ValidatingWebhookConfiguration', { tls: 'cert-manager' }).metadata;
  assert.deepEqual(annotations, { 'cert-manager.io/inject-ca-from': 'tagproof/tagproof-admission' });
});

test('a lock, a registry secret, one replica', () => {
  const deployment = of('Deployment', { lock: 'LOCK', registrySecret: 'pull' });
  const [{ args, env }] = deployment.spec.template.spec.containers;
  assert.deepEqual(args.slice(-2), ['--lock', '/policy/tagproof.lock']);
  assert.ok(
    env.some(({ name, value }: { name: string; value: string }) => name === 'DOCKER_CONFIG' && value === '/registry'),
  );
  assert.equal(of('ConfigMap', { lock: 'LOCK' }).data['tagproof.lock'], 'LOCK');
  assert.equal(of('PodDisruptionBudget', { replicas: 1 }), undefined);
});
