import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS, podText, testFind } from '../../test/find-case.ts';
import { findIn } from './find.ts';

testFind([
  {
    name: 'kubernetes: every container list and image volumes',
    text: podText(`  containers: [{name: a, image: nginx}]
  initContainers:
  - image: 'busybox:1'
  ephemeralContainers:
  - {image: "debug:2", name: d}
  volumes:
  - name: v
    image:
      reference: quay.io/data/set:1
      pullPolicy: Always
`),
    found: [
      'spec.containers[0].image nginx',
      'spec.initContainers[0].image busybox:1',
      'spec.ephemeralContainers[0].image debug:2',
      'spec.volumes[0].image.reference quay.io/data/set:1',
    ],
  },
  {
    name: 'kubernetes: pod templates at any depth, CronJob, List, several documents',
    text: `---
kind: CronJob
apiVersion: batch/v1
spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: a:1}]}}}}}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: StatefulSet
  spec: {template: {spec: {containers: [{image: b:1}]}}}
`,
    found: [
      'spec.jobTemplate.spec.template.spec.containers[0].image a:1',
      'items[0].spec.template.spec.containers[0].image b:1',
    ],
  },
  {
    name: 'kubernetes: a top-level list of objects',
    text: '- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: a:1\n',
    found: ['[0].spec.containers[0].image a:1'],
  },
  {
    name: 'kubernetes: JSON, with tabs',
    file: 'pod.json',
    text: '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"spec": {"containers": [{"image": "a/b:1"}]}\n}\n',
    found: ['spec.containers[0].image a/b:1'],
  },
  {
    name: 'custom resources of the catalogue',
    text: `apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  templates:
  - container: {image: alpine}
  - script: {image: python}
---
apiVersion: tekton.dev/v1
kind: Task
spec:
  steps:
  - image: golang
  stepTemplate: {image: bash}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
spec: {image: 'prom:v3'}
---
apiVersion: pkg.crossplane.io/v1
kind: Provider
spec: {package: xpkg.upbound.io/upbound/provider-aws:v1}
`,
    found: [
      'spec.templates[0].container.image alpine',
      'spec.templates[1].script.image python',
      'spec.steps[0].image golang',
      'spec.stepTemplate.image bash',
      'spec.image prom:v3',
      'spec.package xpkg.upbound.io/upbound/provider-aws:v1',
    ],
  },
  {
    name: 'unknown custom resources: only what can be nothing else',
    text: `apiVersion: example.com/v1
kind: Machine
spec:
  image: quay.io/a/b:1
  osImage: ubuntu
  logo: {image: static/logo.png}
  cdn: {image: cdn.example.com/logo.png}
  url: {image: "https://example.com/x"}
  sidecarImage: envoyproxy/envoy:v1
`,
    found: ['spec.image quay.io/a/b:1', 'spec.sidecarImage envoyproxy/envoy:v1'],
    skipped: [
      'uncertain ubuntu',
      'uncertain static/logo.png',
      'uncertain cdn.example.com/logo.png',
      'uncertain https://example.com/x',
    ],
  },
  {
    name: 'fields of tagproof.yaml decide',
    text: 'apiVersion: example.com/v1\nkind: Machine\nspec:\n  osImage: ubuntu\n  all: [a, b]\n',
    options: { fields: [{ group: 'example.com', kinds: ['Machine'], paths: ['spec.osImage', 'spec.all[]'] }] },
    found: ['spec.osImage ubuntu', 'spec.all[0] a', 'spec.all[1] b'],
  },
  {
    name: 'CRD schemas are no images, in whatever order their keys are',
    text: `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {versions: [{schema: {openAPIV3Schema: {properties: {image: {type: string, default: nginx:1}}}}}]}
---
apiVersion: v1
kind: List
items:
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  spec: {example: {image: x:1}}
`,
    skipped: ['schema CustomResourceDefinition', 'schema CustomResourceDefinition'],
  },
  {
    name: 'args and env only by opt-in, and only what is an image beyond doubt',
    text: podText(
      '  containers:\n  - image: a:1\n    args: [--sidecar=quay.io/x/y:2, --port=a:80, http://x/y:1]\n    env: [{name: I, value: ghcr.io/q:3}]\n',
    ),
    options: { argsAndEnv: true },
    found: [
      'spec.containers[0].image a:1',
      'spec.containers[0].args[0] quay.io/x/y:2',
      'spec.containers[0].env[0].value ghcr.io/q:3',
    ],
  },
  {
    name: 'anchors: the scalar is found once, at its anchor',
    text: podText('  x: &img nginx:1\n  containers:\n  - image: *img\n  - image: *img\n'),
    found: ['spec.containers[0].image nginx:1'],
  },
  {
    name: 'anchors: a container used by alias or merge is a container',
    text: 'apiVersion: v1\nkind: Pod\nx-c: &c {image: nginx}\ny: &l\n- image: redis\nspec:\n  containers:\n  - *c\n  - <<: *c\n    name: b\n  initContainers: *l\n',
    found: ['spec.containers[0].image nginx', 'spec.initContainers[0].image redis'],
  },
  {
    name: 'skaffold names what it builds',
    text: 'apiVersion: skaffold/v2beta1\nkind: Config\nbuild: {artifacts: [{image: gcr.io/x/y:1}]}\n',
    skipped: ['stage Config'],
  },
]);

test('P30: an untagged name in a custom resource is incomplete, and never latest; in a pod of it it is latest', async () => {
  const plan = `apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: server}
spec:
  version: v1.33.1+k3s1
  upgrade: {image: rancher/k3s-upgrade, command: [x]}
  template:
    spec:
      containers: [{name: a, image: busybox}]
`;
  const { found, skipped } = await findIn(plan, 'plan.yaml', FIND_OPTIONS);
  assert.deepEqual(
    found.map(({ path, container }) => `${path} ${container}`),
    ['spec.template.spec.containers[0].image a'],
  );
  assert.deepEqual(
    skipped.map(({ path, reason }) => `${path} ${reason}`),
    ['spec.upgrade.image incomplete'],
  );
});
