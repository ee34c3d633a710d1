// Everything that the webhook needs in a cluster, as objects of the API from one source: plain manifests for kubectl and for Git.

export type InstallOptions = {
  readonly namespace: string;
  /** The webhook's own image, with its digest. */
  readonly image: string;
  /** Text of tagproof.yaml. */
  readonly policy: string;
  /** Text of tagproof.lock: then tags mean what it says. */
  readonly lock?: string | undefined;
  /** PEM, of the Service's name; or cert-manager makes and renews them. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | 'cert-manager';
  /** Namespaces that are never asked about, beside the webhook's own. */
  readonly exemptNamespaces: readonly string[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly templates: 'enforce' | 'warn' | 'ignore';
  readonly replicas: number;
  /** A Secret of type kubernetes.io/dockerconfigjson in the namespace, for private registries. */
  readonly registrySecret?: string | undefined;
};

const NAME = 'tagproof-admission';
const PORT = 8443;
const LABELS = { 'app.kubernetes.io/name': 'tagproof', 'app.kubernetes.io/component': 'admission' };
/** Seconds that the API server waits for an answer. */
const TIMEOUT = 10;

/** What makes nodes pull, by group; pods and ephemeral containers first: those are written to. */
const PODS = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'pods/ephemeralcontainers'] };
const TEMPLATES = [
  { apiGroups: [''], apiVersions: ['v1'], resources: ['replicationcontrollers', 'podtemplates'] },
  { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'] },
  { apiGroups: ['batch'], apiVersions: ['v1'], resources: ['jobs', 'cronjobs'] },
];

/** The names that the API server calls the Service by. */
export const serviceNames = (namespace: string): string[] => [
  `${NAME}.${namespace}.svc`,
  `${NAME}.${namespace}.svc.cluster.local`,
];

/** Ordered so that applying them from first to last never leaves a door without anybody behind it. */
export function manifests(options: InstallOptions): object[] {
  const { namespace, policy, lock, replicas } = options;
  const metadata = { name: NAME, namespace, labels: LABELS };
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'tagproof.yaml': policy, ...(lock !== undefined && { 'tagproof.lock': lock }) },
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
      // In: its own port only. Out: registries and DNS, which no network policy can name better.
      spec: {
        podSelector: { matchLabels: LABELS },
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ port: PORT, protocol: 'TCP' }] }],
      },
    },
    webhook(options, 'Mutating'),
    webhook(options, 'Validating'),
  ];
}

/** One of the two: a Secret as it is, or what cert-manager keeps in it. cert-manager.io/v1. */
function certificates({ namespace, tls }: InstallOptions, metadata: object): object[] {
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

function deployment({ image, templates, replicas, registrySecret, lock }: InstallOptions, metadata: object): object {
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
    '--cert',
    '/tls/tls.crt',
    '--key',
    '/tls/tls.key',
    '--templates',
    templates,
    ...(lock === undefined ? [] : ['--lock', '/policy/tagproof.lock']),
  ];
  const mounts = [
    { name: 'policy', mountPath: '/policy', readOnly: true },
    { name: 'tls', mountPath: '/tls', readOnly: true },
    { name: 'data', mountPath: '/data' },
  ];
  const volumes = [
    { name: 'policy', configMap: { name: NAME } },
    { name: 'tls', secret: { secretName: NAME } },
    { name: 'data', emptyDir: { sizeLimit: '64Mi' } },
  ];
  const secret = {
    name: 'registry',
    secret: { secretName: registrySecret, items: [{ key: '.dockerconfigjson', path: 'config.json' }] },
  };
  const env = [
    { name: 'TAGPROOF_DATA', value: '/data' },
    // Many short reviews: a small young generation keeps the memory flat.
    { name: 'NODE_OPTIONS', value: '--max-semi-space-size=8 --max-old-space-size=128' },
    ...(registrySecret === undefined ? [] : [{ name: 'DOCKER_CONFIG', value: '/registry' }]),
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
          automountServiceAccountToken: false,
          priorityClassName: 'system-cluster-critical',
          terminationGracePeriodSeconds: 30,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            fsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
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
              // The Service forgets this pod before it stops listening.
              lifecycle: { preStop: { sleep: { seconds: 5 } } },
              resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '320Mi' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
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

function webhook(
  { namespace, tls, exemptNamespaces, failurePolicy, templates }: InstallOptions,
  kind: 'Mutating' | 'Validating',
): object {
  const path = kind === 'Mutating' ? '/mutate' : '/validate';
  const resources = kind === 'Mutating' || templates === 'ignore' ? [PODS] : [PODS, ...TEMPLATES];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: {
      name: NAME,
      labels: LABELS,
      ...(tls === 'cert-manager' && { annotations: { 'cert-manager.io/inject-ca-from': `${namespace}/${NAME}` } }),
    },
    webhooks: [
      {
        name: `${kind === 'Mutating' ? 'mutate' : 'validate'}.admission.tagproof.dev`,
        clientConfig: {
          service: { name: NAME, namespace, path },
          ...(tls !== 'cert-manager' && { caBundle: Buffer.from(tls.ca).toString('base64') }),
        },
        rules: resources.map((rule) => ({ ...rule, operations: ['CREATE', 'UPDATE'], scope: 'Namespaced' })),
        // A cluster must be able to come back without us: its own parts and this webhook are never asked about.
        namespaceSelector: {
          matchExpressions: [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'NotIn',
              values: [...new Set([...exemptNamespaces, namespace])],
            },
          ],
        },
        failurePolicy,
        sideEffects: 'None',
        matchPolicy: 'Equivalent',
        ...(kind === 'Mutating' && { reinvocationPolicy: 'IfNeeded' }),
        timeoutSeconds: TIMEOUT,
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
