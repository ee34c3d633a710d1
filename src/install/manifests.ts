// Every Kubernetes object that an installation of the webhook consists of. The plain manifests and
// the Helm chart are both made from it.
import { definitions } from './crds.ts';
import type { InstallOptions } from './options.ts';
import { bypassRole, type Feature, LABELS, NAME, rolesOf } from './permissions.ts';
import { CONTAINER_SECURITY, POD_SECURITY } from './pod-security.ts';
import { ledgerIn, watcherManifests } from './watcher-manifests.ts';
import { webhook } from './webhooks.ts';

const PORT = 8443;

/** The DNS names by which the API server calls the Service. */
export const serviceNames = (namespace: string): string[] => [
  `${NAME}.${namespace}.svc`,
  `${NAME}.${namespace}.svc.cluster.local`,
];

/**
 * Ordered so that applying them from first to last never registers a webhook that nothing serves.
 */
export function manifests(options: InstallOptions): object[] {
  const { namespace, policy, lock, replicas, cluster, clientCa } = options;
  const metadata = { name: NAME, namespace, labels: LABELS };
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    ...(cluster ? [...definitions(LABELS), bypassRole(LABELS)] : []),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...featuresOf(options).flatMap((feature) => rolesOf(feature, namespace, LABELS)),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: {
        'tagproof.yaml': policy,
        ...(lock !== undefined && { 'tagproof.lock': lock }),
        ...(clientCa !== undefined && { 'client-ca.crt': clientCa }),
      },
    },
    ...certificates(options, metadata),
    deployment(options, metadata),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: LABELS, ports: [{ name: 'https', port: 443, targetPort: PORT }] },
    },
    ...(replicas > 1
      ? [
          {
            apiVersion: 'policy/v1',
            kind: 'PodDisruptionBudget',
            metadata,
            spec: { minAvailable: 1, selector: { matchLabels: LABELS } },
          },
        ]
      : []),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      // Ingress: the webhook's port only. Egress is open: a NetworkPolicy cannot name registries.
      spec: {
        podSelector: { matchLabels: LABELS },
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ port: PORT, protocol: 'TCP' }] }],
      },
    },
    ...(options.watcher === undefined
      ? []
      : watcherManifests({
          namespace,
          image: options.image,
          install: options.watcher,
          policyMap: NAME,
          registrySecret: options.registrySecret,
        })),
    webhook(options, 'Mutating'),
    webhook(options, 'Validating'),
  ];
}

function featuresOf({ cluster, tls, pullSecrets, reportEvery }: InstallOptions): Feature[] {
  return [
    ...(cluster ? (['cluster'] as const) : []),
    ...(tls === 'own' ? (['certificate'] as const) : []),
    ...(pullSecrets ? (['pull-secrets'] as const) : []),
    ...(reportEvery === undefined ? [] : (['reports'] as const)),
  ];
}

/**
 * One of three: an empty Secret that the webhook fills, a Secret with a given certificate, or a
 * Secret that cert-manager fills. cert-manager.io/v1.
 */
function certificates({ namespace, tls }: InstallOptions, metadata: object): object[] {
  // Listed so that it is deleted with the rest; applying it again keeps its data.
  if (tls === 'own') return [{ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque' }];
  if (tls !== 'cert-manager') {
    const stringData = { 'tls.crt': tls.cert, 'tls.key': tls.key };
    return [{ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData }];
  }
  return [
    { apiVersion: 'cert-manager.io/v1', kind: 'Issuer', metadata, spec: { selfSigned: {} } },
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata,
      spec: {
        secretName: NAME,
        dnsNames: serviceNames(namespace),
        duration: '2160h',
        renewBefore: '720h',
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
        usages: ['digital signature', 'server auth'],
        issuerRef: { kind: 'Issuer', name: NAME },
      },
    },
  ];
}

function deployment(options: InstallOptions, metadata: object): object {
  const { image, templates, replicas, registrySecret, lock, tls, pullSecrets, reportEvery, clientCa } = options;
  const needsToken = featuresOf(options).length > 0;
  const probe = (path: string) => ({ httpGet: { path, port: PORT, scheme: 'HTTPS' }, periodSeconds: 5 });
  const args = [
    'serve',
    'admission',
    '--policy',
    '/policy/tagproof.yaml',
    '--host',
    '0.0.0.0',
    '--port',
    String(PORT),
    ...(tls === 'own' ? ['--own-certificate'] : ['--cert', '/tls/tls.crt', '--key', '/tls/tls.key']),
    '--templates',
    templates,
    ...(needsToken ? ['--cluster'] : []),
    ...(pullSecrets ? ['--pull-secrets'] : []),
    ...(reportEvery === undefined ? [] : ['--report-every', reportEvery]),
    ...(lock === undefined ? [] : ['--lock', '/policy/tagproof.lock']),
    ...(clientCa === undefined ? [] : ['--client-ca', '/policy/client-ca.crt']),
  ];
  const mounts = [
    { name: 'policy', mountPath: '/policy', readOnly: true },
    ...(tls === 'own' ? [] : [{ name: 'tls', mountPath: '/tls', readOnly: true }]),
    { name: 'data', mountPath: '/data' },
  ];
  const volumes = [
    { name: 'policy', configMap: { name: NAME } },
    ...(tls === 'own' ? [] : [{ name: 'tls', secret: { secretName: NAME } }]),
    { name: 'data', emptyDir: { sizeLimit: '64Mi' } },
  ];
  const secret = {
    name: 'registry',
    secret: { secretName: registrySecret, items: [{ key: '.dockerconfigjson', path: 'config.json' }] },
  };
  const env = [
    { name: 'TAGPROOF_DATA', value: '/data' },
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    // Reviews are many and short-lived: a small young generation keeps the memory flat.
    { name: 'NODE_OPTIONS', value: '--max-semi-space-size=4 --max-old-space-size=128' },
    // One arena of native memory, trimmed early: threads that rarely run hold no memory.
    { name: 'MALLOC_ARENA_MAX', value: '1' },
    { name: 'MALLOC_TRIM_THRESHOLD_', value: '65536' },
    ...(registrySecret === undefined ? [] : [{ name: 'DOCKER_CONFIG', value: '/registry' }]),
    // The evidence by which pods were admitted is recorded in the watcher's ledger.
    ...(options.watcher === undefined ? [] : [ledgerIn('TAGPROOF_RECORD')]),
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: LABELS },
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: NAME,
          automountServiceAccountToken: needsToken,
          priorityClassName: 'system-cluster-critical',
          terminationGracePeriodSeconds: 30,
          securityContext: POD_SECURITY,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: LABELS },
            },
          ],
          containers: [
            {
              name: 'admission',
              image,
              args,
              env,
              ports: [{ name: 'https', containerPort: PORT }],
              readinessProbe: probe('/readyz'),
              livenessProbe: { ...probe('/healthz'), periodSeconds: 20 },
              // The Service removes this pod from its endpoints before the server stops listening.
              lifecycle: { preStop: { sleep: { seconds: 5 } } },
              resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '320Mi' } },
              securityContext: CONTAINER_SECURITY,
              volumeMounts:
                registrySecret === undefined
                  ? mounts
                  : [...mounts, { name: 'registry', mountPath: '/registry', readOnly: true }],
            },
          ],
          volumes: registrySecret === undefined ? volumes : [...volumes, secret],
        },
      },
    },
  };
}
