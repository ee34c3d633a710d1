// Kubernetes objects of all kinds that carry images: workloads, lists, custom resources, ConfigMaps with documents inside documents.
import { imageName } from './image-names.ts';
import { type Value, YamlPrinter } from './print-yaml.ts';
import type { Random } from './random.ts';

export type Fields = { [key: string]: Value };

/** A value, and the images that stand in it where a container's image belongs. */
export type Grown = { readonly value: Value; readonly images: readonly string[] };

/** Collects the images of one document while its tree is made. */
export class Grower {
  readonly random: Random;
  readonly images: string[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  /** An image at a place where nothing else can stand. */
  image(): string {
    const name = imageName(this.random);
    this.images.push(name);
    return name;
  }

  word(): string {
    return this.random.pick([
      'a',
      'web',
      'app-1',
      'x.y',
      'image',
      'it is: text',
      "it's",
      'ünïcode',
      '\u{1F600}',
      '*',
      '# no',
    ]);
  }

  /** Keys in any order. */
  shuffled(fields: Fields): Fields {
    if (!this.random.once(3)) return fields;
    const entries = Object.entries(fields);
    for (let i = entries.length - 1; i > 0; i--) {
      const j = this.random.below(i + 1);
      [entries[i], entries[j]] = [entries[j] as [string, Value], entries[i] as [string, Value]];
    }
    return Object.fromEntries(entries);
  }

  /** The fields, each left out in one of `of` cases. */
  some(fields: Fields, of = 2): Fields {
    return Object.fromEntries(Object.entries(fields).filter(() => !this.random.once(of)));
  }
}

function container(g: Grower): Value {
  return g.shuffled({
    name: g.word(),
    image: g.image(),
    ...g.some({
      command: ['sh', '-c', 'echo "image: x:1"\ndocker run nginx:1 # image'],
      args: ['--image=quay.io/x/y:1', g.word()],
      env: [{ name: 'IMAGE', value: 'quay.io/x/y:1' }],
      imagePullPolicy: 'Always',
      ports: [{ containerPort: 80 }],
      resources: {},
    }),
  });
}

export function podSpec(g: Grower): Fields {
  return g.shuffled({
    ...(g.random.once(3) && { initContainers: g.random.once(3) ? [] : [container(g)] }),
    containers: g.random.times(1, 3, () => container(g)),
    ...g.some({ nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [] }),
    ...(g.random.once(6) && { volumes: [{ name: 'v', image: { reference: g.image(), pullPolicy: 'Always' } }] }),
  });
}

const template = (g: Grower): Value => ({ metadata: { labels: { app: g.word() } }, spec: podSpec(g) });
const metadata = (g: Grower): Value =>
  g.shuffled({ name: g.word(), ...g.some({ namespace: 'ns', annotations: { note: g.word() } }) });

type Make = (g: Grower) => { apiVersion: string; kind: string } & Fields;

const WORKLOADS: readonly Make[] = [
  (g) => ({ apiVersion: 'v1', kind: 'Pod', metadata: metadata(g), spec: podSpec(g) }),
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map(
    (kind): Make =>
      (g) => ({
        apiVersion: 'apps/v1',
        kind,
        metadata: metadata(g),
        spec: g.shuffled({ replicas: 2, template: template(g) }),
      }),
  ),
  (g) => ({ apiVersion: 'batch/v1', kind: 'Job', spec: { template: template(g) } }),
  (g) => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: template(g) } } },
  }),
  (g) => ({ apiVersion: 'v1', kind: 'PodTemplate', template: template(g) }),
  (g) => ({ apiVersion: 'v1', kind: 'ReplicationController', spec: { template: template(g) } }),
  (g) => ({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', spec: { template: template(g) } }),
  (g) => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', spec: { template: template(g) } }),
  (g) => ({ apiVersion: 'tekton.dev/v1', kind: 'Task', spec: { steps: [container(g)] } }),
];

/** Objects whose images a controller or an overlay completes: only that no byte is lost is certain. */
const OTHERS: readonly Make[] = [
  (g) => ({
    apiVersion: 'upgrade.cattle.io/v1',
    kind: 'Plan',
    spec: { version: 'v1', upgrade: { image: imageName(g.random) } },
  }),
  () => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    spec: { image: { type: 'string' } },
  }),
  (g) => ({
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    spec: {
      chart: { spec: { chart: 'app', version: '1.0.0' } },
      values: { image: parts(g), sidecar: { image: imageName(g.random) } },
      postRenderers: [{ kustomize: { images: [override(g)] } }],
    },
  }),
  (g) => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    spec: { path: './x', images: [override(g)] },
  }),
  (g) => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    spec: { url: 'oci://ghcr.io/org/chart', ref: g.shuffled({ tag: '5.1.0' }) },
  }),
  (g) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    spec: {
      source: {
        path: 'x',
        kustomize: { images: g.random.times(1, 3, () => `${g.random.pick(['', 'app='])}${imageName(g.random)}`) },
        helm: { parameters: [{ name: 'image.tag', value: '1.2' }], values: `image: ${imageName(g.random)}\n` },
      },
    },
  }),
  (g) => ({
    apiVersion: 'image.openshift.io/v1',
    kind: 'ImageStream',
    spec: { tags: [{ name: 'x', from: { kind: 'DockerImage', name: imageName(g.random) } }] },
  }),
];

/** `repository:`, `tag:` and their like, as in Helm values. */
export function parts(g: Grower): Value {
  const [repository, tag, registry] = g.random.pick([
    ['repository', 'tag', 'registry'],
    ['repository', 'imageTag', 'registry'],
    ['imageRepository', 'imageTag', 'imageRegistry'],
    ['name', 'tag', 'registry'],
    ['image', 'tag', 'registry'],
  ] as const);
  return g.shuffled({
    ...(g.random.once(3) && { [registry]: g.random.pick(['docker.io', 'reg.example:5000', '']) }),
    [repository]: g.random.pick(['org/app', 'nginx', 'quay.io/a/b', 'localhost:5000/x', imageName(g.random)]),
    ...(!g.random.once(5) && {
      [tag]: g.random.pick<Value>(['v1.2.3', '1.10', 1.1, 7, '', null, '2024-01-01', 'latest']),
    }),
    ...(g.random.once(3) && {
      [g.random.pick(['digest', 'sha', 'sha256', 'imageDigest'])]: g.random.pick(['', null, 'x']),
    }),
    ...g.some({ pullPolicy: 'Always' }),
  });
}

/** An entry of kustomize's `images:`. */
export function override(g: Grower): Value {
  return g.shuffled({
    name: g.random.pick(['nginx', 'app', 'quay.io/a/b']),
    ...g.some({
      newName: g.random.pick(['mirror.example/cache/redis', 'ghcr.io/org/app:v1']),
      newTag: g.random.pick<Value>(['v2', '1.10', 1.1, '7']),
    }),
    ...(g.random.once(4) && { digest: g.random.pick(['', `sha256:${'c'.repeat(64)}`]) }),
  });
}

/** An object. `deep`: how many documents may be inside each other. */
export function kubernetesObject(random: Random, deep = 3): Grown {
  const g = new Grower(random);
  const form = random.below(10);
  if (form === 0) return { value: random.pick(OTHERS)(g), images: [] };
  if (form === 1) {
    const items = random.times(0, 3, () => kubernetesObject(random, 0));
    const value = {
      apiVersion: 'v1',
      kind: random.pick(['List', 'DeploymentList']),
      items: items.map((item) => item.value),
    };
    return { value, images: items.flatMap((item) => item.images) };
  }
  if (form <= 4 && deep > 0) {
    // How deep it is read is bounded, so what is inside is not demanded.
    const inner = random.once(3) ? { template: text(random, deep - 1) } : undefined;
    const data = { 'config.yaml': inner === undefined ? text(random, deep - 1) : new YamlPrinter(random).print(inner) };
    return {
      value: {
        apiVersion: 'v1',
        kind: random.pick(['ConfigMap', 'Secret']),
        [random.pick(['data', 'stringData'])]: data,
      },
      images: [],
    };
  }
  const value = random.pick(WORKLOADS)(g);
  return { value: g.shuffled(value), images: g.images };
}

/** A document as the text of a field. */
function text(random: Random, deep: number): string {
  const documents = random.times(1, 2, () => new YamlPrinter(random).print(kubernetesObject(random, deep).value));
  const whole = documents.join('---\n');
  return random.once(4)
    ? JSON.stringify(kubernetesObject(random, 0).value, null, random.pick([0, 2]))
    : random.once(5)
      ? whole.trimEnd()
      : whole;
}
