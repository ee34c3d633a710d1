// The sample repository of the demo: the kinds of files that name images in real repositories.
// REGISTRY is replaced by the registry of the demo.
import type { SampleImage } from '../../registry/sample.ts';

const BOTH = ['linux/amd64', 'linux/arm64'];
const source = {
  'org.opencontainers.image.source': 'https://git.example.com/shop',
  'org.opencontainers.image.revision': '4f1c9d2',
};

export const IMAGES: readonly SampleImage[] = [
  {
    repository: 'shop/web',
    tag: 'v1.4.2',
    platforms: BOTH,
    content: 'web 1.4.2',
    labels: source,
    env: ['PORT=8080'],
    entrypoint: ['/web'],
  },
  {
    repository: 'shop/worker',
    tag: 'latest',
    platforms: BOTH,
    content: 'worker',
    labels: source,
    entrypoint: ['/worker'],
  },
  {
    repository: 'shop/migrate',
    tag: '2026.1',
    platforms: ['linux/amd64'],
    content: 'migrate',
    entrypoint: ['/migrate'],
  },
  { repository: 'library/redis', tag: '7.4', platforms: BOTH, content: 'redis', entrypoint: ['redis-server'] },
  { repository: 'library/node', tag: '24-slim', platforms: BOTH, content: 'node', entrypoint: ['node'] },
  { repository: 'library/proxy', tag: '1.31', platforms: BOTH, content: 'proxy', entrypoint: ['envoy'] },
];

/** What an attacker, or a careless release, pushes to a tag that exists. */
export const MOVED: SampleImage = {
  ...(IMAGES[0] as SampleImage),
  content: 'web 1.4.2, but not what you tested',
  env: ['PORT=8080', 'COLLECT_TO=http://203.0.113.9'],
  labels: { ...source, 'org.opencontainers.image.revision': 'e0a7b66' },
};

export const FILES: Readonly<Record<string, string>> = {
  'deploy/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - name: migrate
          image: 'REGISTRY/shop/migrate:2026.1'
      containers:
        - name: web
          image: REGISTRY/shop/web:v1.4.2  # released by CI
          ports: [{containerPort: 8080}]
        - {name: proxy, image: "REGISTRY/library/proxy:1.31"}
`,
  'deploy/report.yaml': `apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 4 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: worker
              image: REGISTRY/shop/worker
`,
  'chart/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: v1.4.2\n',
  'chart/values.yaml': `image:
  registry: REGISTRY
  repository: shop/web
  tag: v1.4.2
  digest: ""
redis:
  image:
    repository: REGISTRY/library/redis
    tag: "7.4"
`,
  'chart/templates/web.yaml': `{{- if .Values.image }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-smoke
spec:
  containers:
    - name: web
      image: "{{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}"
    - name: cache
      image: "{{ .Values.redis.image.repository }}:{{ .Values.redis.image.tag }}"
    - name: probe
      image: REGISTRY/library/node:24-slim
{{- end }}
`,
  'overlay/kustomization.yaml': `resources:
  - ../deploy
images:
  - name: REGISTRY/shop/web
    newTag: v1.4.2
`,
  'compose.yaml': `services:
  web:
    build: .
    image: shop/web:dev
  cache:
    image: REGISTRY/library/redis:7.4
`,
  Dockerfile: `FROM REGISTRY/library/node:24-slim AS build
WORKDIR /app
COPY . .
RUN npm ci

FROM REGISTRY/library/node:24-slim
COPY --from=build /app /app
`,
};
