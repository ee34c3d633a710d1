// What the watcher needs in a cluster: it reads pods and what made them, and changes nothing but Events. One that dies loses nothing: the
// ledger is on its volume, or in PostgreSQL where there is a Secret tagproof-ledger.

import { GROUP } from '../policy/object.ts';
import { CONTAINER_SECURITY, POD_SECURITY } from './pod-security.ts';

export type WatcherInstall = {
  /** What the cluster is called in the ledger. */
  readonly clusterName: string;
  /** More than one only with PostgreSQL. */
  readonly replicas: number;
  /** A Secret with `token`: registries' notifications are taken at /hooks/…. */
  readonly hintSecret?: string | undefined;
};

export const WATCHER = 'tagproof-watcher';
export const WATCHER_LABELS = { 'app.kubernetes.io/name': 'tagproof', 'app.kubernetes.io/component': 'watcher' };
const PORT = 8443;
/** With `url`: postgres://…; with files that sinks of alarms name. Both may be missing. */
const LEDGER_SECRET = 'tagproof-ledger';
const ALARM_SECRET = 'tagproof-alarms';

/** Where the ledger is, if it is in PostgreSQL: nothing else is shared by pods. */
export const ledgerIn = (name: string): object => ({
  name,
  valueFrom: { secretKeyRef: { name: LEDGER_SECRET, key: 'url', optional: true } },
});

export function watcherManifests(
  namespace: string,
  image: string,
  { clusterName, replicas, hintSecret }: WatcherInstall,
  policyMap: string,
  registrySecret: string | undefined,
): object[] {
  const metadata = { name: WATCHER, namespace, labels: WATCHER_LABELS };
  const service = `${WATCHER}.${namespace}.svc`;
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...roles(namespace),
    set(
      image,
      metadata,
      policyMap,
      registrySecret,
      hintSecret,
      [
        'serve',
        'watcher',
        '--policy',
        '/policy/tagproof.yaml',
        '--cluster-name',
        clusterName,
        '--host',
        '0.0.0.0',
        '--port',
        String(PORT),
        // It only keeps strangers out of the line: who may read is told by tokens of the API server.
        '--standalone',
        '--ca-file',
        '/data/ca.pem',
        '--names',
        `${service},${service}.cluster.local`,
        ...(hintSecret === undefined ? [] : ['--hint-token', '/hints/token']),
      ],
      replicas,
    ),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: WATCHER_LABELS, ports: [{ name: 'https', port: 443, targetPort: PORT }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: {
        podSelector: { matchLabels: WATCHER_LABELS },
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ port: PORT, protocol: 'TCP' }] }],
      },
    },
  ];
}

/** What it reads, and the role of those who may ask it, which is bound to nobody. */
function roles(namespace: string): object[] {
  const api = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const metadata = { name: WATCHER, labels: WATCHER_LABELS };
  const read = ['get', 'list', 'watch'];
  return [
    {
      ...api,
      kind: 'ClusterRole',
      metadata,
      rules: [
        { apiGroups: [''], resources: ['pods', 'nodes', 'replicationcontrollers'], verbs: read },
        {
          apiGroups: ['apps'],
          resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'controllerrevisions'],
          verbs: read,
        },
        { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: read },
        { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
        { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
        { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
      ],
    },
    {
      ...api,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: WATCHER },
      subjects: [{ kind: 'ServiceAccount', name: WATCHER, namespace }],
    },
    {
      ...api,
      kind: 'ClusterRole',
      metadata: { name: 'tagproof-records-reader', labels: WATCHER_LABELS },
      rules: [{ apiGroups: [GROUP], resources: ['records'], verbs: ['get'] }],
    },
  ];
}

function set(
  image: string,
  metadata: object,
  policyMap: string,
  registrySecret: string | undefined,
  hintSecret: string | undefined,
  args: string[],
  replicas: number,
): object {
  const probe = (path: string) => ({ httpGet: { path, port: PORT, scheme: 'HTTPS' }, periodSeconds: 10 });
  const env = [
    { name: 'TAGPROOF_DATA', value: '/data' },
    ledgerIn('TAGPROOF_LEDGER'),
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'NODE_OPTIONS', value: '--max-semi-space-size=4' },
    { name: 'MALLOC_ARENA_MAX', value: '1' },
    ...(registrySecret === undefined ? [] : [{ name: 'DOCKER_CONFIG', value: '/registry' }]),
  ];
  const volumeMounts = [
    { name: 'data', mountPath: '/data' },
    { name: 'policy', mountPath: '/policy', readOnly: true },
    { name: 'alarms', mountPath: '/alarms', readOnly: true },
    ...(hintSecret === undefined ? [] : [{ name: 'hints', mountPath: '/hints', readOnly: true }]),
    ...(registrySecret === undefined ? [] : [{ name: 'registry', mountPath: '/registry', readOnly: true }]),
  ];
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }];
  const volumes = [
    { name: 'policy', configMap: { name: policyMap } },
    { name: 'alarms', secret: { secretName: ALARM_SECRET, optional: true } },
    ...(hintSecret === undefined ? [] : [{ name: 'hints', secret: { secretName: hintSecret } }]),
    ...(registrySecret === undefined ? [] : [{ name: 'registry', secret: { secretName: registrySecret, items } }]),
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: {
      replicas,
      serviceName: WATCHER,
      selector: { matchLabels: WATCHER_LABELS },
      podManagementPolicy: 'Parallel',
      template: {
        metadata: { labels: WATCHER_LABELS },
        spec: {
          serviceAccountName: WATCHER,
          automountServiceAccountToken: true,
          terminationGracePeriodSeconds: 30,
          securityContext: POD_SECURITY,
          containers: [
            {
              name: 'watcher',
              image,
              args,
              env,
              // Without PostgreSQL the ledger is a file here.
              workingDir: '/data',
              ports: [{ name: 'https', containerPort: PORT }],
              readinessProbe: probe('/readyz'),
              livenessProbe: { ...probe('/healthz'), periodSeconds: 20 },
              resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '640Mi' } },
              securityContext: CONTAINER_SECURITY,
              volumeMounts,
            },
          ],
          volumes,
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
        },
      ],
    },
  };
}
