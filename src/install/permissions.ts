// The webhook's permissions at the API server, as data: the roles are made from it, and doctor
// checks each line.
import { GROUP } from '../policy/object.ts';
import { BYPASS, IMAGE_POLICY, NAMESPACED_POLICY } from './crds.ts';

export const NAME = 'tagproof-admission';
export const LABELS = { 'app.kubernetes.io/name': 'tagproof', 'app.kubernetes.io/component': 'admission' };

export type Permission = {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only objects with these names. */
  readonly names?: readonly string[];
  /** Only in the webhook's own namespace. */
  readonly ownNamespace?: true;
};

export type Feature = 'cluster' | 'certificate' | 'pull-secrets' | 'reports';

const POLICIES = [IMAGE_POLICY.plural, NAMESPACED_POLICY.plural];

/** The least permissions that each feature needs. */
export const PERMISSIONS: Readonly<Record<Feature, readonly Permission[]>> = {
  cluster: [
    { group: GROUP, resources: [...POLICIES, BYPASS.plural], verbs: ['get', 'list', 'watch'] },
    { group: GROUP, resources: POLICIES.map((plural) => `${plural}/status`), verbs: ['patch'] },
    { group: 'events.k8s.io', resources: ['events'], verbs: ['create'] },
    { group: 'authorization.k8s.io', resources: ['subjectaccessreviews'], verbs: ['create'] },
  ],
  certificate: [
    {
      group: 'admissionregistration.k8s.io',
      resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
      verbs: ['get', 'patch'],
      names: [NAME],
    },
    { group: '', resources: ['secrets'], verbs: ['get', 'update'], names: [NAME], ownNamespace: true },
    // RBAC cannot limit `create` to a name.
    { group: '', resources: ['secrets'], verbs: ['create'], ownNamespace: true },
  ],
  // This reads every Secret of the cluster by name, so it is an option and never granted by
  // default.
  'pull-secrets': [{ group: '', resources: ['secrets', 'serviceaccounts'], verbs: ['get'] }],
  reports: [
    { group: '', resources: ['pods', 'replicationcontrollers', 'podtemplates', 'namespaces'], verbs: ['list'] },
    { group: 'apps', resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'], verbs: ['list'] },
    { group: 'batch', resources: ['jobs', 'cronjobs'], verbs: ['list'] },
    { group: 'openreports.io', resources: ['reports'], verbs: ['create', 'patch', 'list', 'delete'] },
    { group: 'wgpolicyk8s.io', resources: ['policyreports'], verbs: ['create', 'patch', 'list', 'delete'] },
    { group: 'rbac.authorization.k8s.io', resources: ['clusterroles'], verbs: ['get'], names: [`${NAME}-reports`] },
    {
      group: 'coordination.k8s.io',
      resources: ['leases'],
      verbs: ['get', 'update'],
      names: ['tagproof-reports'],
      ownNamespace: true,
    },
    { group: 'coordination.k8s.io', resources: ['leases'], verbs: ['create'], ownNamespace: true },
  ],
};

/** The roles of a feature, bound to the service account. rbac.authorization.k8s.io/v1. */
export function rolesOf(feature: Feature, namespace: string, labels: object): object[] {
  const name = `${NAME}-${feature}`;
  const subjects = [{ kind: 'ServiceAccount', name: NAME, namespace }];
  const pair = (scope: 'Cluster' | '', permissions: readonly Permission[]) => {
    const metadata = { name, ...(scope === '' && { namespace }), labels };
    const rules = permissions.map(({ group, resources, verbs, names }) => ({
      apiGroups: [group],
      resources,
      verbs,
      ...(names !== undefined && { resourceNames: names }),
    }));
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name };
    const api = { apiVersion: 'rbac.authorization.k8s.io/v1' };
    return permissions.length === 0
      ? []
      : [
          { ...api, kind: `${scope}Role`, metadata, rules },
          { ...api, kind: `${scope}RoleBinding`, metadata, roleRef, subjects },
        ];
  };
  const permissions = PERMISSIONS[feature];
  return [
    ...pair(
      'Cluster',
      permissions.filter(({ ownNamespace }) => ownNamespace !== true),
    ),
    ...pair(
      '',
      permissions.filter(({ ownNamespace }) => ownNamespace === true),
    ),
  ];
}

/** Bound to no one by default: for the few who may create bypasses. */
export function bypassRole(labels: object): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'tagproof-bypass', labels },
    rules: [
      { apiGroups: [GROUP], resources: [IMAGE_POLICY.plural], verbs: ['bypass'] },
      { apiGroups: [GROUP], resources: [BYPASS.plural], verbs: ['create', 'get', 'list', 'delete'] },
    ],
  };
}
