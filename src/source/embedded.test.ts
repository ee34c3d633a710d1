import { podText, testFind } from '../../test/find-case.ts';

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
    name: 'a document inside a document inside a document, and no deeper',
    text: podText(`  a: |
    image: x/a:1
    b: |
      image: x/b:1
      c: |
        image: x/c:1
`),
    found: ['spec.a.|.image x/a:1', 'spec.a.|.b.|.image x/b:1'],
  },
  {
    name: 'several documents in a block scalar, CRLF, blank lines and explicit indentation',
    text: podText('  a: |2+\r\n\r\n      image: x/a:1\r\n    ---\r\n    image: x/b:1\r\n\r\n'),
    found: ['spec.a.|.image x/a:1', 'spec.a.|.image x/b:1'],
  },
  {
    name: 'a folded or quoted scalar is text, and a scalar that is no YAML is no problem',
    text: podText(
      '  a: >\n    image: x/a:1\n  b: "image: x/b:1\\n"\n  c: |\n    if (image) { } ]: [\n  d: |\n    image\n',
    ),
  },
  {
    name: 'a document that only the second reader takes is read in a block scalar too',
    text: podText('  a: |\n    x:\n      args: [\n        "y"\n      ]\n      image: x/a:1\n'),
    found: ['spec.a.|.x.image x/a:1'],
  },
]);
