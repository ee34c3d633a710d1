// The roles: the least that each feature needs, Secrets only by name, and no one may bypass by default.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bypassRole, type Feature, PERMISSIONS, rolesOf } from './permissions.ts';

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] };
type Role = {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  roleRef?: object;
  subjects?: object[];
};
const FEATURES = Object.keys(PERMISSIONS) as Feature[];
const roles = (feature: Feature) => rolesOf(feature, 'tagproof', {}) as Role[];
const rules = (feature: Feature, kind: 'Role' | 'ClusterRole') =>
  roles(feature).flatMap((role) => (role.kind === kind ? (role.rules ?? []) : []));

test('no role has a wildcard, and none may change workloads or permissions', () => {
  for (const feature of FEATURES)
    for (const { apiGroups, resources, verbs } of [...rules(feature, 'ClusterRole'), ...rules(feature, 'Role')]) {
      assert.ok(![...apiGroups, ...resources, ...verbs].includes('*'), feature);
      const changes = verbs.some((verb) => ['create', 'update', 'patch', 'delete', 'bind', 'escalate'].includes(verb));
      const sensitive = ['pods', 'deployments', 'clusterroles', 'roles', 'clusterrolebindings', 'namespaces'];
      if (changes) assert.ok(!resources.some((resource) => sensitive.includes(resource)), `${feature} ${resources}`);
      assert.ok(!verbs.includes('bypass'), feature);
    }
});

test('T52: only the feature pull-secrets reads Secrets of the cluster; the certificate is one Secret by name', () => {
  for (const feature of FEATURES) {
    const secrets = rules(feature, 'ClusterRole').filter(({ resources }) => resources.includes('secrets'));
    assert.equal(secrets.length > 0, feature === 'pull-secrets', feature);
  }
  const own = rules('certificate', 'Role').filter(({ resources }) => resources.includes('secrets'));
  for (const { verbs, resourceNames } of own)
    if (verbs.some((verb) => verb !== 'create')) assert.deepEqual(resourceNames, ['tagproof-admission']);
  assert.ok(!own.some(({ verbs }) => verbs.includes('list') || verbs.includes('watch')));
  const hooks = rules('certificate', 'ClusterRole');
  assert.deepEqual(
    hooks.map(({ resourceNames }) => resourceNames),
    [['tagproof-admission']],
    'no webhook configuration but its own',
  );
});

test('every role is bound to the webhook’s service account, and to nothing else', () => {
  for (const feature of FEATURES) {
    const all = roles(feature);
    for (const role of all.filter(({ rules: given }) => given !== undefined)) {
      const binding = all.find(({ kind }) => kind === `${role.kind}Binding`);
      assert.deepEqual(binding?.roleRef, {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: role.kind,
        name: role.metadata.name,
      });
      assert.deepEqual(binding?.subjects, [
        { kind: 'ServiceAccount', name: 'tagproof-admission', namespace: 'tagproof' },
      ]);
      assert.equal(binding?.metadata.namespace, role.kind === 'Role' ? 'tagproof' : undefined);
    }
  }
});

test('T19: the role for bypasses comes without a binding', () => {
  const role = bypassRole({}) as Role;
  assert.equal(role.kind, 'ClusterRole');
  assert.ok(
    role.rules?.some(({ verbs, resources }) => verbs.includes('bypass') && resources.includes('imagepolicies')),
  );
});
