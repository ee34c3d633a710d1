// tagproof's own kinds: a policy for the cluster, a policy for one namespace, and the bypass for
// emergencies.
import { GROUP } from '../policy/object.ts';
import schemas from './policy-schemas.json' with { type: 'json' };

type Kind = {
  readonly kind: string;
  readonly plural: string;
  readonly short: string;
  readonly scope: 'Cluster' | 'Namespaced';
};

export const IMAGE_POLICY: Kind = { kind: 'ImagePolicy', plural: 'imagepolicies', short: 'ip', scope: 'Cluster' };
export const NAMESPACED_POLICY: Kind = {
  kind: 'NamespacedImagePolicy',
  plural: 'namespacedimagepolicies',
  short: 'nip',
  scope: 'Namespaced',
};
export const BYPASS: Kind = { kind: 'Bypass', plural: 'bypasses', short: 'bp', scope: 'Namespaced' };

/** The API resource of a kind. */
export const resourceOf = ({ plural }: Kind) => ({ apiVersion: `${GROUP}/v1alpha1`, resource: plural });

const CONDITIONS = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer' },
    conditions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['type', 'status'],
        properties: {
          type: { type: 'string' },
          status: { type: 'string' },
          reason: { type: 'string' },
          message: { type: 'string' },
          lastTransitionTime: { type: 'string', format: 'date-time' },
          observedGeneration: { type: 'integer' },
        },
      },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    },
  },
};

const BYPASS_SPEC = {
  type: 'object',
  required: ['images', 'reason', 'until'],
  properties: {
    images: {
      type: 'array',
      minItems: 1,
      maxItems: 20,
      items: { type: 'string', minLength: 1, maxLength: 512 },
      description: 'Images as pods name them, or repositories with a literal host: ghcr.io/org/**',
    },
    reason: { type: 'string', minLength: 10, maxLength: 500 },
    until: { type: 'string', format: 'date-time', description: 'When the bypass ends: within a day from now.' },
  },
};

const POLICY_COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Clean', type: 'string', jsonPath: '.status.conditions[?(@.type=="Clean")].status' },
  { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

const BYPASS_COLUMNS = [
  { name: 'Until', type: 'string', jsonPath: '.spec.until' },
  { name: 'Reason', type: 'string', jsonPath: '.spec.reason' },
];

/** apiextensions.k8s.io/v1. */
export function definitions(labels: object): object[] {
  return [
    definition(IMAGE_POLICY, schemas.ImagePolicy, POLICY_COLUMNS, labels),
    definition(NAMESPACED_POLICY, schemas.NamespacedImagePolicy, POLICY_COLUMNS, labels),
    definition(BYPASS, BYPASS_SPEC, BYPASS_COLUMNS, labels),
  ];
}

function definition({ kind, plural, short, scope }: Kind, spec: object, columns: object[], labels: object): object {
  const hasStatus = columns === POLICY_COLUMNS;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, labels },
    spec: {
      group: GROUP,
      scope,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames: [short] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          ...(hasStatus && { subresources: { status: {} } }),
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: { spec, ...(hasStatus && { status: CONDITIONS }) },
            },
          },
        },
      ],
    },
  };
}
