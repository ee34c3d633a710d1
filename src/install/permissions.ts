// What the webhook may do at the API server, as data: roles are made of it, and doctor asks for each line.
import { GROUP } from '../policy/object.ts';
import { BYPASS, IMAGE_POLICY, NAMESPACED_POLICY } from './crds.ts';

export const NAME = 'tagproof-admission';
export const LABELS = { 'app.kubernetes.io/name': 'tagproof', 'app.kubernetes.io/component': 'admission' };

export type Permission = {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only objects of these names. */
  readonly names?: readonly string[];
  /** In the webhook's own namespace only. */
  readonly own?: true;
};

export type Feature = 'cluster' | 'certificate' | 'pull-secrets' | 'reports';

const POLICIES = [IMAGE_POLICY.plural, NAMESPACED_POLICY.plural];

/** The least that each feature needs. */
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
    { group: '', resources: ['secrets'], verbs: ['get', 'update'], names: [NAME], own: true },
    // A name cannot be asked for before there is one.
    { group: '', resources: ['secrets'], verbs: ['create'], own: true },
  ],
  // Every Secret of the cluster can be read by name with this: so it is asked for, and never given by default.
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
      own: true,
    },
    { group: 'coordination.k8s.io', resources: ['leases'], verbs: ['create'], own: true },
  ],
};

/** ClusterRole and Role of a feature, bound to the service account. rbac.authorization.k8s.io/v1. */
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
      permissions.filter(({ own }) => own !== true),
    ),
    ...pair(
      '',
      permissions.filter(({ own }) => own === true),
    ),
  ];
}

/** Bound to nobody: for those who may break the glass. */
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
