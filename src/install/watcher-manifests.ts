// Every Kubernetes object of the watcher. It reads pods and their owners, and writes only Events. A
// restart loses nothing: the ledger is on the pod's volume, or in PostgreSQL if there is a Secret
// tagproof-ledger.

import { GROUP } from '../policy/object.ts';
import { CONTAINER_SECURITY, POD_SECURITY } from './pod-security.ts';

export type WatcherInstall = {
  /** Name of the cluster in the ledger. */
  readonly clusterName: string;
  /** More than one needs PostgreSQL. */
  readonly replicas: number;
  /**
   * Name of a Secret with `token`: the watcher then accepts push notifications of registries at
   * /hooks/….
   */
  readonly hintSecret?: string | undefined;
};

export const WATCHER = 'tagproof-watcher';
export const WATCHER_LABELS = { 'app.kubernetes.io/name': 'tagproof', 'app.kubernetes.io/component': 'watcher' };
const PORT = 8443;
/** Optional Secret with `url`: the postgres://… address of the ledger. */
const LEDGER_SECRET = 'tagproof-ledger';
/** Optional Secret with the files that alarm sinks name. */
const ALARM_SECRET = 'tagproof-alarms';

/**
 * An environment variable with the address of the ledger in PostgreSQL, the only ledger that pods
 * can share.
 */
export const ledgerIn = (name: string): object => ({
  name,
  valueFrom: { secretKeyRef: { name: LEDGER_SECRET, key: 'url', optional: true } },
});

export type WatcherManifestOptions = {
  readonly namespace: string;
  readonly image: string;
  readonly install: WatcherInstall;
  /** Name of the ConfigMap with tagproof.yaml. */
  readonly policyMap: string;
  readonly registrySecret: string | undefined;
};

export function watcherManifests(options: WatcherManifestOptions): object[] {
  const { namespace } = options;
  const metadata = { name: WATCHER, namespace, labels: WATCHER_LABELS };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...roles(namespace),
    statefulSet(options, metadata),
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

/** The watcher's own role, and the role for readers of its API, which is bound to no one. */
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

function argsOf({ namespace, install: { clusterName, hintSecret } }: WatcherManifestOptions): string[] {
  const service = `${WATCHER}.${namespace}.svc`;
  return [
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
    // This certificate only encrypts the connection. Tokens of the API server decide who may read.
    '--standalone',
    '--ca-file',
    '/data/ca.pem',
    '--names',
    `${service},${service}.cluster.local`,
    ...(hintSecret === undefined ? [] : ['--hint-token', '/hints/token']),
  ];
}

function statefulSet(options: WatcherManifestOptions, metadata: object): object {
  const { image, policyMap, registrySecret, install } = options;
  const { replicas, hintSecret } = install;
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
              args: argsOf(options),
              env,
              // Without PostgreSQL the ledger is a file in this folder.
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
