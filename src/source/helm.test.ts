import { testFind } from '../../test/find-case.ts';

testFind([
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
]);
