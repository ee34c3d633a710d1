// The field catalogue: which fields hold images, as data. Kinds that are not listed are read by
// shape (walk.ts). Pure.

/**
 * Lists whose items are containers, in any object at any depth, because a CRD can have a pod
 * template anywhere.
 */
export const CONTAINER_LISTS = new Set([
  'containers',
  'initContainers',
  'ephemeralContainers',
  'sidecars',
  'sidecarContainers',
  'steps',
]);

/**
 * Keys that make the mapping around `image:` a container, whatever the name of the list or field.
 */
export const CONTAINER_KEYS = new Set([
  'command',
  'args',
  'env',
  'envFrom',
  'ports',
  'resources',
  'volumeMounts',
  'imagePullPolicy',
  'pullPolicy',
  'securityContext',
  'livenessProbe',
  'readinessProbe',
]);

/**
 * A field that holds an image in objects of some kinds. `*` is one step, `**` any number of steps,
 * `[]` an item of a list.
 */
export type FieldRule = {
  /** API group without version; absent: any group. */
  readonly group?: string | undefined;
  /** Absent: every kind of the group. */
  readonly kinds?: readonly string[] | undefined;
  readonly paths: readonly string[];
};

/** Custom resources that have images at other paths, by API group. */
export const CATALOGUE: readonly FieldRule[] = [
  // Files that are no objects: Prow's configuration and ko's.
  { paths: ['**.utility_images.*', 'baseImageOverrides.*', 'defaultBaseImage'] },
  {
    group: 'argoproj.io',
    paths: ['**.container.image', '**.script.image', '**.sidecars[].image', '**.containerSet.containers[].image'],
  },
  { group: 'tekton.dev', paths: ['**.steps[].image', '**.sidecars[].image', '**.stepTemplate.image'] },
  { group: 'serving.kserve.io', paths: ['spec.**.image'] },
  { group: 'machinelearning.seldon.io', paths: ['spec.**.image'] },
  { group: 'monitoring.coreos.com', paths: ['spec.image', 'spec.thanos.image'] },
  { group: 'kafka.strimzi.io', paths: ['spec.image', 'spec.**.image'] },
  { group: 'sparkoperator.k8s.io', paths: ['spec.image', 'spec.**.image'] },
  { group: 'flink.apache.org', paths: ['spec.image'] },
  { group: 'kubevirt.io', paths: ['**.containerDisk.image', '**.kernelBoot.container.image'] },
  { group: 'cdi.kubevirt.io', paths: ['spec.**.registry.image'] },
  { group: 'postgresql.cnpg.io', paths: ['spec.imageName', 'spec.images[].image'] },
  { group: 'acid.zalan.do', paths: ['spec.dockerImage'] },
  { group: 'postgres-operator.crunchydata.com', paths: ['spec.image', 'spec.**.image'] },
  { group: 'pxc.percona.com', paths: ['spec.**.image'] },
  { group: 'psmdb.percona.com', paths: ['spec.image', 'spec.**.image'] },
  { group: 'k8s.mariadb.com', paths: ['spec.image', 'spec.**.image'] },
  { group: 'redis.redis.opstreelabs.in', paths: ['spec.**.image'] },
  { group: 'databases.spotahome.com', paths: ['spec.**.image'] },
  { group: 'elasticsearch.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'kibana.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'logstash.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'beat.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'agent.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'apm.k8s.elastic.co', paths: ['spec.image'] },
  { group: 'jaegertracing.io', paths: ['spec.**.image'] },
  { group: 'opentelemetry.io', paths: ['spec.image', 'spec.*.image', 'spec.targetAllocator.image'] },
  { group: 'loki.grafana.com', paths: ['spec.**.image'] },
  { group: 'grafana.integreatly.org', paths: ['spec.**.image'] },
  { group: 'ceph.rook.io', paths: ['spec.cephVersion.image', 'spec.**.image'] },
  { group: 'minio.min.io', paths: ['spec.image', 'spec.**.image'] },
  { group: 'core.humio.com', paths: ['spec.image', 'spec.helperImage'] },
  { group: 'numaflow.numaproj.io', paths: ['spec.**.image'] },
  { group: 'kubeflow.org', paths: ['**.image'] },
  { group: 'ray.io', paths: ['spec.**.image'] },
  { group: 'operators.coreos.com', paths: ['spec.relatedImages[].image', 'spec.image'] },
  { group: 'pkg.crossplane.io', paths: ['spec.package', 'spec.image'] },
  { group: 'operator.tekton.dev', paths: ['spec.**.image'] },
  { group: 'gateway.envoyproxy.io', paths: ['spec.**.image'] },
  { group: 'keycloak.org', paths: ['spec.image'] },
  { group: 'k8s.keycloak.org', paths: ['spec.image'] },
  { group: 'rabbitmq.com', paths: ['spec.image'] },
  { group: 'camel.apache.org', paths: ['spec.**.image', 'spec.image'] },
  { group: 'operator.victoriametrics.com', paths: ['spec.**.image'] },
  { group: 'vault.banzaicloud.com', paths: ['spec.image', 'spec.*Image'] },
  { group: 'actions.summerwind.dev', paths: ['spec.**.image', 'spec.image', 'spec.dockerImage'] },
];

/** API groups whose `image:` names what is built and not what is pulled. */
export const BUILDS = new Set(['skaffold']);

/** Kinds that describe other objects: `image` is a property of a schema there. */
export const SCHEMA_KINDS = new Set(['CustomResourceDefinition', 'CompositeResourceDefinition', 'APIResourceSchema']);

/** Keys whose whole value is a schema. */
export const SCHEMA_KEYS = new Set(['openAPIV3Schema', 'openapi', 'jsonSchema']);

/**
 * The keys of an image in parts: in Helm values, and in custom resources that follow their style.
 */
export type SplitNames = {
  readonly repository: string;
  readonly tag: string;
  readonly digest: readonly string[];
  readonly registry: string;
  /**
   * True: the key of the mapping must mention an image. False: any mapping with these keys may be
   * one.
   */
  readonly underImage: boolean;
};

export const SPLIT: readonly SplitNames[] = [
  {
    repository: 'repository',
    tag: 'tag',
    digest: ['digest', 'sha', 'sha256'],
    registry: 'registry',
    underImage: false,
  },
  { repository: 'repository', tag: 'imageTag', digest: ['digest'], registry: 'registry', underImage: false },
  {
    repository: 'imageRepository',
    tag: 'imageTag',
    digest: ['imageDigest'],
    registry: 'imageRegistry',
    underImage: false,
  },
  { repository: 'imageName', tag: 'imageTag', digest: ['imageDigest'], registry: 'imageRegistry', underImage: false },
  {
    repository: 'image',
    tag: 'imageTag',
    digest: ['imageDigest', 'digest'],
    registry: 'imageRegistry',
    underImage: false,
  },
  { repository: 'image', tag: 'tag', digest: ['digest', 'sha', 'sha256'], registry: 'registry', underImage: false },
  { repository: 'repo', tag: 'tag', digest: ['digest'], registry: 'registry', underImage: true },
  { repository: 'name', tag: 'tag', digest: ['digest', 'sha', 'sha256'], registry: 'registry', underImage: true },
];
