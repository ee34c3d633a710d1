// The back-stop: ValidatingAdmissionPolicies that the API server evaluates itself. They can neither
// resolve nor verify, but they enforce digests and registries while the webhook is away. Pure.
// kubernetes.io, "Validating Admission Policy".

export type BackstopOptions = {
  /** Allowed hosts, with `*.` for the hosts of a domain; empty: every host. */
  readonly registries: readonly string[];
  readonly exemptNamespaces: readonly string[];
  /** Deny; or warn the user of kubectl; or only write the audit log. */
  readonly mode: 'enforce' | 'warn' | 'audit';
};

/** Path of the pod spec, for groups of kinds. */
const SHAPES = [
  { name: 'pods', spec: 'spec', rules: [{ group: '', resources: ['pods', 'pods/ephemeralcontainers'] }] },
  {
    name: 'workloads',
    spec: 'spec.template.spec',
    rules: [
      { group: '', resources: ['replicationcontrollers'] },
      { group: 'apps', resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'] },
      { group: 'batch', resources: ['jobs'] },
    ],
  },
  {
    name: 'cronjobs',
    spec: 'spec.jobTemplate.spec.template.spec',
    rules: [{ group: 'batch', resources: ['cronjobs'] }],
  },
  { name: 'podtemplates', spec: 'template.spec', rules: [{ group: '', resources: ['podtemplates'] }] },
] as const;

const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'];
const ACTIONS = { enforce: ['Deny', 'Audit'], warn: ['Warn', 'Audit'], audit: ['Audit'] };

/** @returns policies and their bindings */
export function backstop({ registries, exemptNamespaces, mode }: BackstopOptions): object[] {
  return SHAPES.flatMap(({ name, spec, rules }) => {
    const metadata = { name: `tagproof-${name}` };
    const changed = 'variables.images.filter(i, !(i in variables.before))';
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: rules.map(({ group, resources }) => ({
            apiGroups: [group],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources,
          })),
        },
        variables: [
          { name: 'images', expression: imagesIn(`object.${spec}`) },
          // Unchanged images always pass: scaling and relabelling must not fail.
          { name: 'before', expression: `request.operation == 'UPDATE' ? ${imagesIn(`oldObject.${spec}`)} : []` },
        ],
        validations: [
          {
            expression: `${changed}.all(i, i.matches('@sha256:[a-f0-9]{64}$'))`,
            messageExpression: `'must be pinned to a digest (run tagproof pin): ' + ${changed}.filter(i, !i.matches('@sha256:[a-f0-9]{64}$')).join(', ')`,
            reason: 'Forbidden',
          },
          ...(registries.length === 0
            ? []
            : [
                {
                  expression: `${changed}.all(i, ${allowed(registries)})`,
                  messageExpression: `'must come from ${registries.join(' or ')}: ' + ${changed}.filter(i, !(${allowed(registries)})).join(', ')`,
                  reason: 'Forbidden',
                },
              ]),
        ],
      },
    };
    const binding = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: {
        policyName: metadata.name,
        validationActions: ACTIONS[mode],
        ...(exemptNamespaces.length > 0 && {
          matchResources: {
            namespaceSelector: {
              matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: exemptNamespaces }],
            },
          },
        }),
      },
    };
    return [policy, binding];
  });
}

/** CEL: every image of a pod spec, including image volumes. */
function imagesIn(spec: string): string {
  const lists = CONTAINERS.map(
    (list) => `(has(${spec}.${list}) ? ${spec}.${list}.map(c, has(c.image) ? c.image : '') : [])`,
  );
  const volumes = `(has(${spec}.volumes) ? ${spec}.volumes.filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference) : [])`;
  return [...lists, volumes].join(' + ');
}

/**
 * CEL: whether the host of image `i` is allowed. A first segment that has no dot or colon and is
 * not `localhost` is no host; then the host is docker.io.
 */
function allowed(registries: readonly string[]): string {
  const first = "i.split('/')[0].lowerAscii()";
  const named = `i.contains('/') && (${first}.contains('.') || ${first}.contains(':') || ${first} == 'localhost')`;
  const exact = registries.filter((host) => !host.startsWith('*.'));
  // Docker Hub has two further names.
  const hosts = exact.flatMap((host) =>
    host === 'docker.io' ? [host, 'index.docker.io', 'registry-1.docker.io'] : [host],
  );
  const domains = registries
    .filter((host) => host.startsWith('*.'))
    .map((host) => `${first}.endsWith('${host.slice(1)}')`);
  const hostAllowed = [...(hosts.length > 0 ? [`${first} in ${list(hosts)}`] : []), ...domains].join(' || ') || 'false';
  return `(${named}) ? (${hostAllowed}) : ${registries.includes('docker.io')}`;
}

const list = (items: readonly string[]) => `[${items.map((item) => `'${item}'`).join(', ')}]`;
