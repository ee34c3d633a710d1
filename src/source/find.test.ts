import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIn } from './find.ts';
import type { WalkOptions } from './reader.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/**
 * One case: the text of a file, what is found as `path reference`, and what is skipped as `reason
 * text`.
 */
type Case = {
  name: string;
  file?: string;
  text: string;
  found?: string[];
  skipped?: string[];
  options?: Partial<WalkOptions>;
};

function check({ name, file = 'app.yaml', text, found = [], skipped = [], options = {} }: Case): void {
  test(name, async () => {
    const result = await findIn(text, file, { fields: [], argsAndEnv: false, ...options });
    assert.deepEqual(result.problems.map(String), []);
    assert.deepEqual(
      result.found.map((item) => `${item.path} ${item.reference.text}`),
      found,
    );
    assert.deepEqual(
      result.skipped.map((item) => `${item.reason} ${item.text}`),
      skipped,
    );
  });
}

const pod = (spec: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n${spec}`;

const cases: Case[] = [
  {
    name: 'kubernetes: every container list and image volumes',
    text: pod(`  containers: [{name: a, image: nginx}]
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
    name: 'custom resources of the catalogue take names without a tag',
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
spec: {image: prom}
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
      'spec.image prom',
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
    name: 'ConfigMap: documents in block scalars, also templated ones',
    text: `apiVersion: v1
kind: ConfigMap
data:
  pod.yaml: |

    apiVersion: v1
    kind: Pod
    spec:
      containers:
      - image: redis:7
  tpl: |-
    image: "{{ .Values.x }}"
    image: foo:1
  script.sh: |
    docker pull image: [
`,
    found: ['data.pod.yaml.|.spec.containers[0].image redis:7', 'data.tpl.|.image foo:1'],
    skipped: ['template {{ .Values.x }}'],
  },
  {
    name: 'JSON patches and split images in custom resources',
    text: `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  values:
    image: {repository: ghcr.io/x/y, tag: 1.2}
    chart: {repository: https://charts.example.com, tag: x}
  postRenderers:
  - kustomize:
      patches:
      - patch: |
          - op: replace
            path: /spec/template/spec/containers/0/image
            value: nginx:1
`,
    found: [
      'spec.values.image.repository ghcr.io/x/y:1.2',
      'spec.postRenderers[0].kustomize.patches[0].patch.|[0].value nginx:1',
    ],
  },
  {
    name: 'args and env only by opt-in, and only what is an image beyond doubt',
    text: pod(
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
    name: 'anchors: the scalar is found once, where it stands',
    text: pod('  x: &img nginx:1\n  containers:\n  - image: *img\n  - image: *img\n'),
    found: ['spec.containers[0].image nginx:1'],
  },
  {
    name: 'anchors: a container used by alias or merge is a container',
    text: 'apiVersion: v1\nkind: Pod\nx-c: &c {image: nginx}\ny: &l\n- image: redis\nspec:\n  containers:\n  - *c\n  - <<: *c\n    name: b\n  initContainers: *l\n',
    found: ['spec.containers[0].image nginx', 'spec.initContainers[0].image redis'],
  },
  {
    name: 'nothing hides: escaped keys, explicit keys, a kind that is only a string or is overridden',
    text: `{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"im\\u0061ge": "a:1"}]}}
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - ? image
    : b:1
---
apiVersion: v1
kind: CustomResourceDefinition
kind: Pod
spec:
  containers:
  - image:
      c:1
`,
    found: ['spec.containers[0].image a:1', 'spec.containers[0].image b:1', 'spec.containers[0].image c:1'],
  },
  {
    name: 'ignore comments need a reason',
    text: pod(`  containers:
  - image: a:1 # tagproof:ignore built by this repository
  # tagproof:ignore local test double
  - image: b:1
  - image: c:1 # tagproof:ignore
`),
    found: ['spec.containers[2].image c:1'],
    skipped: ['ignored a:1', 'ignored b:1'],
  },
  {
    name: 'variables and templates are named, not read',
    text: pod(
      '  containers:\n  - image: ${REGISTRY}/a:1\n  - image: {{ .Values.image }}\n  - image: "{{ .r }}:{{ .t }}"\n',
    ),
    skipped: ['variable ${REGISTRY}/a:1', 'template {{ .Values.image }}', 'template {{ .r }}:{{ .t }}'],
  },
  {
    name: 'an invalid reference where an image belongs',
    text: pod('  containers:\n  - image: Nginx:1\n'),
    skipped: ['invalid Nginx:1'],
  },
  {
    name: 'skaffold names what it builds',
    text: 'apiVersion: skaffold/v2beta1\nkind: Config\nbuild: {artifacts: [{image: gcr.io/x/y:1}]}\n',
    skipped: ['stage Config'],
  },
  {
    name: 'a closing bracket at the indentation of its key, which js-yaml refuses',
    text: pod('  containers:\n  - name: a\n    args: [\n      "x"\n    ]\n    image: a:1\n'),
    found: ['spec.containers[0].image a:1'],
  },
  {
    name: 'helm values: parts, flat forms, sha without prefix, whole images',
    file: 'chart/values.yaml',
    text: `image:
  registry: docker.io
  repository: bitnami/nginx
  tag: 1.25
  digest: ""
sidecar:
  image: quay.io/x/y
  tag: v1
controller:
  repository: foo/bar
  tag: "2"
grafana: {image: {repository: grafana/grafana, tag: 11, sha: ""}}
imageName: redis
imageTag: 7
test: {image: "busybox:1.36"}
defaulted: {image: {repository: quay.io/x/z, tag: ""}}
`,
    found: [
      'image.repository docker.io/bitnami/nginx:1.25',
      'sidecar.image quay.io/x/y:v1',
      'controller.repository foo/bar:2',
      'grafana.image.repository grafana/grafana:11',
      'imageName redis:7',
      'test.image busybox:1.36',
      'defaulted.image.repository quay.io/x/z',
    ],
  },
  {
    name: 'helm template: literals found, expressions named, bare names taken',
    file: 'chart/templates/test.yaml',
    text: `{{- if .Values.test }}
kind: Pod
spec:
  containers:
    - image: busybox
      name: x
    - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}" # x
    - image: {{ include "x.image" . | quote }}
    - "image": 'quay.io/a/b:1' # why
{{- end }}
`,
    found: ['image busybox', 'image quay.io/a/b:1'],
    skipped: [
      'template {{ .Values.image.repository }}:{{ .Values.image.tag }}',
      'template {{ include "x.image" . | quote }}',
    ],
  },
  {
    name: 'Chart.yaml: images in annotations',
    file: 'Chart.yaml',
    text: 'apiVersion: v2\nname: x\nannotations:\n  artifacthub.io/images: |\n    - name: a\n      image: quay.io/a/b:1\n    - name: c\n      image: d/e:2\n',
    found: [
      'annotations.artifacthub.io/images.|[0].image quay.io/a/b:1',
      'annotations.artifacthub.io/images.|[1].image d/e:2',
    ],
  },
  {
    name: 'kustomization: images and inline patches',
    file: 'base/kustomization.yaml',
    text: `images:
- name: nginx
  newTag: "1.27"
- name: app
  newName: ghcr.io/x/app
  newTag: v1
  digest: ${DIGEST}
- {name: flow, newTag: v2}
- name: renamed
  newName: other
patches:
- patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: redis:7
`,
    found: [
      'images[0].name nginx:1.27',
      `images[1].newName ghcr.io/x/app:v1@${DIGEST}`,
      'images[2].name flow:v2',
      'patches[0].patch.|[0].value redis:7',
    ],
    skipped: ['incomplete other'],
  },
  {
    name: 'compose: merged services, builds, variables',
    file: 'docker-compose.yml',
    text: `x-base: &base
  image: postgres:16
services:
  db: *base
  other:
    <<: *base
  web:
    build: .
    image: mine:dev
  cache:
    image: redis:\${TAG:-7}
`,
    found: ['services.db.image postgres:16'],
    skipped: ['stage mine:dev', 'variable redis:${TAG:-7}'],
  },
  {
    name: 'compose by shape, whatever the file is called',
    file: 'stack.yml',
    text: 'services:\n  a: {image: nginx}\n',
    found: ['services.a.image nginx'],
  },
  {
    name: 'Dockerfile: stages, scratch, COPY --from, mounts, ARG, syntax, heredoc',
    file: 'Dockerfile',
    text: `# syntax=docker/dockerfile:1
ARG BASE=debian:12
ARG VERSION=1.2
ARG TWICE=1
FROM --platform=$BUILDPLATFORM golang:1.24 AS build
RUN --mount=type=bind,from=busybox:1,target=/x --mount=from=build,target=/y true
from build as test
FROM $BASE
FROM "alpine:3.20"
FROM node:\${VERSION}
FROM a:\${TWICE}
FROM b:\${TWICE}
FROM \${UNSET}
FROM scratch
COPY --from=build /a /b
COPY --from=0 /a /b
COPY --from=quay.io/x/y:1 /a /b
RUN <<EOF
FROM nothing:1
EOF
`,
    found: [
      '# syntax docker/dockerfile:1',
      'ARG BASE debian:12',
      'ARG VERSION node:1.2',
      'FROM golang:1.24',
      'RUN --mount from busybox:1',
      'FROM alpine:3.20',
      'COPY --from quay.io/x/y:1',
    ],
    skipped: [
      'stage build',
      'stage build',
      'variable a:$' + '{TWICE}',
      'variable b:$' + '{TWICE}',
      'variable $' + '{UNSET}',
      'stage scratch',
      'stage build',
      'stage 0',
    ],
  },
  {
    name: 'GitHub Actions: container, services, docker:// steps',
    file: '.github/workflows/ci.yaml',
    text: `on: push
jobs:
  a:
    container: node:24
    services:
      db: {image: "postgres:16"}
    steps:
    - uses: docker://alpine:3
    - uses: actions/checkout@v4
    - run: 'echo "image: x:1"'
  b:
    container: {image: "\${{ matrix.image }}"}
`,
    found: ['jobs.a.container node:24', 'jobs.a.services.db.image postgres:16', 'jobs.a.steps[0].uses alpine:3'],
    skipped: ['template $' + '{{ matrix.image }}'],
  },
  {
    name: 'GitLab CI: image and services, text or name:',
    file: '.gitlab-ci.yml',
    text: `image: ruby:3
services: [postgres:16, {name: "redis:7", alias: r}]
test:
  image: {name: alpine:3, entrypoint: [""]}
build:
  image: $CI_REGISTRY_IMAGE:latest
`,
    found: ['image ruby:3', 'services[0] postgres:16', 'services[1].name redis:7', 'test.image.name alpine:3'],
    skipped: ['variable $CI_REGISTRY_IMAGE:latest'],
  },
];

for (const item of cases) check(item);

test('a place tells line, column, document and object', async () => {
  const text =
    '# c\r\n---\r\napiVersion: v1\r\nkind: Pod\r\nmetadata: {name: p}\r\nspec:\r\n  containers:\r\n  - image: "é:1"\r\n  - image: "nginx:1"\r\n';
  const [found] = (await findIn(text, 'x.yaml', { fields: [], argsAndEnv: false })).found;
  assert.ok(found);
  assert.deepEqual([found.line, found.column, found.document, found.object], [9, 13, 1, 'Pod/p']);
});

const broken: [name: string, text: string, message: RegExp, code: string][] = [
  ['broken YAML', 'a: b: c\nimage: x\n', /x\.yaml:1:\d+: not valid YAML: .*left alone/, 'syntax'],
  ['tabs as indentation', 'kind: Pod\nspec:\n\timage: x:1\n', /x\.yaml:3:\d+: not valid YAML/, 'syntax'],
  ['deep nesting', `image: ${'['.repeat(5000)}`, /nested deeper than 100/, 'limit'],
  ['unclosed JSON', '{"image": "x:1"', /not valid YAML/, 'syntax'],
];

for (const [name, text, message, code] of broken) {
  test(`${name} costs only its own document`, async () => {
    const good = 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: ok:1}]}\n';
    const result = await findIn(`${text}\n---\n${good}`, 'x.yaml', { fields: [], argsAndEnv: false });
    assert.deepEqual(
      result.found.map((item) => item.reference.text),
      ['ok:1'],
    );
    assert.equal(result.problems.length, 1);
    assert.match(String(result.problems[0]), message);
    assert.equal(result.problems[0]?.code, code);
  });
}

test('duplicate keys and an anchor that holds itself neither stop nor loop', async () => {
  const text = pod('  containers:\n  - &c\n    image: a:1\n    image: b:1\n    <<: *c\n');
  const result = await findIn(text, 'x.yaml', { fields: [], argsAndEnv: false });
  assert.deepEqual(
    result.found.map((item) => item.reference.text),
    ['a:1', 'b:1'],
  );
});

test('no text stalls the search: repeats of what its patterns look for (T30)', async () => {
  const size = 300_000;
  const texts = [
    'mage',
    '"\\u0061',
    '"\\x',
    'image:   ',
    'kind: CustomResourceDefinition\nimage:\n',
    '\n---',
    '#',
    '{{',
    'reference   ',
    '- ',
    '"',
    'tag:\n',
    '&a *a\n',
  ];
  for (const piece of texts) {
    const text = piece.repeat(Math.ceil(size / piece.length));
    const started = performance.now();
    for (const file of ['a.yaml', 'values.yaml', 'templates/a.tpl', 'Dockerfile'])
      await findIn(text, file, { fields: [], argsAndEnv: false });
    const milliseconds = performance.now() - started;
    assert.ok(milliseconds < 10_000, `${JSON.stringify(piece)}: ${milliseconds.toFixed(0)} ms`);
  }
});
