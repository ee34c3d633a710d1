// The trees that bench/scan.ts reads, made anew in a folder: a collection of repositories, one of jobs, one of charts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files as they are yielded. @returns how many bytes they have together */
export function writeTree(folder: string, files: Iterable<readonly [path: string, text: string]>): number {
  let bytes = 0;
  for (const [path, text] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    bytes += text.length;
  }
  return bytes;
}

/** About 17,000 YAML files, 110 MB, a quarter of them with images. */
export function* collection(): Generator<readonly [string, string]> {
  for (let i = 0; i < 17_000; i++) {
    const text = i % 29 === 0 ? schema(i) : i % 5 === 0 ? workload(i) : plain(i);
    yield [`repo${i % 60}/dir${i % 7}/file${i}.yaml`, text];
  }
}

/** A CRD of 70 kB; one image key in it, as there is about one for each CRD in real trees. */
const schema = (i: number) =>
  `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things${i}.example.com\nspec:\n  versions:\n    - name: v1\n      schema:\n        openAPIV3Schema:\n          properties:\n            image:\n              description: the image that the thing runs\n              type: string\n${`            field:\n              description: a field of the thing, as the documentation of it says at length\n              maxLength: 253\n              type: string\n`.repeat(440)}`;

const workload = (i: number) =>
  `${`apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web${i}\n  annotations:\n    description: some words about what this is\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: registry.example.com/team/web${i}:1.2\n          resources: {limits: {cpu: 100m, memory: 128Mi}}\n---\n`.repeat(2)}${plain(i)}`;

const plain = (i: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config${i}\ndata:\n${Array.from({ length: 60 }, (_, k) => `  KEY_${k}: "a value of some length, number ${i * k}"\n`).join('')}`;

/** Dense YAML: 390 files with lists of jobs as a CI system keeps them, 17 MB, 3,900 images. */
export function* jobs(): Generator<readonly [string, string]> {
  for (let i = 0; i < 390; i++) {
    const list = Array.from({ length: 10 }, (_, k) => job(i * 10 + k)).join('');
    yield [`config/jobs/team${i % 40}/jobs${i}.yaml`, `presubmits:\n  example/repository${i}:\n${list}`];
  }
}

const job = (i: number) =>
  `  - name: pull-test-${i}\n    always_run: ${i % 2 === 0}\n    decorate: true\n    branches: ["main", "release-1.${i % 9}"]\n    annotations:\n      dashboards: team-${i % 40}\n      description: "Runs the tests of part ${i}."\n    spec:\n      containers:\n      - image: registry.example.com/ci/runner-${i % 60}:v2024.${i}\n        command: ["runner.sh"]\n        args:\n        - make\n        - test-${i}\n        env:\n${Array.from({ length: 76 }, (_, k) => `        - name: SETTING_${k}\n          value: "${i + k}"\n`).join('')}        resources: {limits: {cpu: "4", memory: 8Gi}, requests: {cpu: "4", memory: 8Gi}}\n`;

/** 150 charts of 24 templates: what a YAML parser gives up on, and beside them schemas and values. */
export function* charts(): Generator<readonly [string, string]> {
  for (let i = 0; i < 150; i++) {
    const chart = `charts/chart-${i}`;
    yield [`${chart}/Chart.yaml`, `apiVersion: v2\nname: chart-${i}\nversion: 1.${i}.0\nappVersion: "2.${i}"\n`];
    yield [`${chart}/values.yaml`, values(i)];
    for (let k = 0; k < 8; k++) yield [`${chart}/crds/crd-${k}.yaml`, schema(i * 10 + k).slice(0, 26_000)];
    for (let k = 0; k < 24; k++) yield [`${chart}/templates/deployment-${k}.yaml`, chartTemplate(k, k % 6)];
  }
}

const values = (i: number) =>
  Array.from(
    { length: 6 },
    (_, k) =>
      `part${k}:\n  enabled: true\n  image:\n    registry: registry.example.com\n    repository: team/part-${i}-${k}\n    tag: "1.${k}"\n  resources: {}\n`,
  ).join('');

const chartTemplate = (k: number, part: number) =>
  `{{- if .Values.part${part}.enabled }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include "chart.fullname" . }}-part${k}\n  labels:\n    {{- include "chart.labels" . | nindent 4 }}\nspec:\n  template:\n    spec:\n      containers:\n        - name: part\n          image: "{{ .Values.part${part}.image.registry }}/{{ .Values.part${part}.image.repository }}:{{ .Values.part${part}.image.tag }}"\n          {{- with .Values.part${part}.resources }}\n          resources:\n            {{- toYaml . | nindent 12 }}\n          {{- end }}\n          env:\n${Array.from({ length: 30 }, (_, n) => `            - name: SETTING_${n}\n              value: {{ .Values.part${part}.setting${n} | default "a setting of this part" | quote }}\n`).join('')}{{- end }}\n`;
