// The webhook configurations: which objects the API server sends, and what happens while the
// webhook does not answer.
import { TEMPLATED } from '../kube/kinds.ts';
import { GROUP } from '../policy/object.ts';
import { BYPASS, IMAGE_POLICY, NAMESPACED_POLICY } from './crds.ts';
import type { InstallOptions } from './options.ts';
import { LABELS, NAME } from './permissions.ts';

/** How long the API server waits for an answer, seconds. */
const TIMEOUT = 10;

/**
 * The kinds that make nodes pull images. The mutating webhook gets pods and ephemeral containers
 * only.
 */
const PODS = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'pods/ephemeralcontainers'] };
const TEMPLATES = [...Map.groupBy(TEMPLATED, ({ apiVersion }) => apiVersion)].map(([apiVersion, kinds]) => ({
  apiGroups: [apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : ''],
  apiVersions: [apiVersion.split('/').at(-1) as string],
  resources: kinds.map(({ resource }) => resource),
}));

export function webhook(options: InstallOptions, kind: 'Mutating' | 'Validating'): object {
  const { namespace, tls, exemptNamespaces, failurePolicy, templates, cluster } = options;
  const resources = kind === 'Mutating' || templates === 'ignore' ? [PODS] : [PODS, ...TEMPLATES];
  const hook = (name: string, path: string, more: object) => ({
    name: `${name}.admission.tagproof.dev`,
    clientConfig: {
      service: { name: NAME, namespace, path },
      ...(typeof tls === 'object' && { caBundle: Buffer.from(tls.ca).toString('base64') }),
    },
    failurePolicy,
    sideEffects: 'None',
    matchPolicy: 'Equivalent',
    timeoutSeconds: TIMEOUT,
    admissionReviewVersions: ['v1'],
    ...more,
  });
  // A cluster must be able to recover without the webhook, so kube-system and the webhook's own
  // namespace are exempt.
  const values = [...new Set([...exemptNamespaces, namespace])];
  const namespaceSelector = { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values }] };
  const rules = resources.map((rule) => ({ ...rule, operations: ['CREATE', 'UPDATE'], scope: 'Namespaced' }));
  const images =
    kind === 'Mutating'
      ? hook('mutate', '/mutate', { rules, namespaceSelector, reinvocationPolicy: 'IfNeeded' })
      : hook('validate', '/validate', { rules, namespaceSelector });
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: {
      name: NAME,
      labels: LABELS,
      ...(tls === 'cert-manager' && { annotations: { 'cert-manager.io/inject-ca-from': `${namespace}/${NAME}` } }),
    },
    webhooks: [images, ...(kind === 'Validating' && cluster ? selfReviewHooks(hook) : [])],
  };
}

/**
 * Hooks for our own objects. The webhook never loads an unusable policy, so policies stay writable
 * while it does not answer. A bypass takes effect as it is written, so it does not.
 */
function selfReviewHooks(hook: (name: string, path: string, more: object) => object): object[] {
  const rules = (kinds: readonly { readonly plural: string }[]) => [
    {
      apiGroups: [GROUP],
      apiVersions: ['v1alpha1'],
      operations: ['CREATE', 'UPDATE'],
      resources: kinds.map(({ plural }) => plural),
      scope: '*',
    },
  ];
  return [
    hook('policies', '/own', { rules: rules([IMAGE_POLICY, NAMESPACED_POLICY]), failurePolicy: 'Ignore' }),
    hook('bypasses', '/own', { rules: rules([BYPASS]), failurePolicy: 'Fail' }),
  ];
}
