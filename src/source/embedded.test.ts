import { podText, testFind } from '../../test/find-case.ts';

/** Documents, each of which holds an image and the next one. */
function nested(count: number): string {
  return Array.from({ length: count }, (_, depth) => {
    const pad = ' '.repeat(2 + depth);
    return `${pad}a: |\n${pad} image: x/${depth}:1\n`;
  }).join('');
}

testFind([
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
    name: 'P1: documents inside documents, to a bound; what is deeper is named and not read',
    text: podText(nested(10)),
    found: Array.from({ length: 8 }, (_, depth) => `spec.${'a.|.'.repeat(depth + 1)}image x/${depth}:1`),
    skipped: ['uncertain x/8:1'],
  },
  {
    name: 'several documents in a block scalar, CRLF, blank lines and explicit indentation',
    text: podText('  a: |2+\r\n\r\n      image: x/a:1\r\n    ---\r\n    image: x/b:1\r\n\r\n'),
    found: ['spec.a.|.image x/a:1', 'spec.a.|.image x/b:1'],
  },
  {
    name: 'a document in quotes, or folded, is not read, and named; a scalar that is no YAML is no problem',
    text: podText(
      '  a: >\n    image: x/a:1\n  b: "image: x/b:1\\n"\n  c: |\n    if (image) { } ]: [\n  d: |\n    image\n' +
        `  e: '{"image": "x/c:1"}'\n  f: 'echo image: x/d:1'\n  g: "not: [a document\\nimage: x/e:1"\n`,
    ),
    skipped: ['uncertain x/a:1', 'uncertain x/b:1', 'uncertain x/c:1'],
  },
  {
    name: 'a document that only the second reader takes is read in a block scalar too',
    text: podText('  a: |\n    x:\n      args: [\n        "y"\n      ]\n      image: x/a:1\n'),
    found: ['spec.a.|.x.image x/a:1'],
  },
]);
