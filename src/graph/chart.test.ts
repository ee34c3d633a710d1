// Images in the values of charts: where a digest can stand, which tag a chart fills in, and which registry it takes (P6, P29, P35).
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { printReference } from '../image/reference.ts';
import { type FileResult, findIn } from '../source/find.ts';
import type { ChartSetting } from './chart-forms.ts';
import { seeAsDeployed } from './graph.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-charts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

/** A line for each image: what is deployed, and how the digest is written, or why it is not. */
async function images(files: Record<string, string>, settings: readonly ChartSetting[] = []): Promise<string[]> {
  const root = join(folder, String(count++));
  const results: FileResult[] = [];
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    if (/values|release/.test(file)) results.push(await findIn(text, file, { fields: [], argsAndEnv: false }));
  }
  const seen = await seeAsDeployed(results, { files: Object.keys(files), top: root, charts: settings });
  return seen.flatMap(({ found }) =>
    found.map(({ reference, slot }) => {
      const how = slot.blocked ?? `${slot.style ?? (slot.pin?.before === '@' ? 'tag' : 'digest')}`;
      return `${printReference(reference)} ${how}`;
    }),
  );
}

const chart = (template: string, more = '') => ({
  'c/Chart.yaml': `apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: 1.2.3\n${more}`,
  'c/templates/web.yaml': template,
});
const values = (image: string) => ({ 'c/values.yaml': `image:\n  repository: team/app\n${image}` });
const IMAGE = '{{ .Values.image.repository }}';

const cases: [name: string, files: Record<string, string>, result: string | RegExp][] = [
  [
    'P29 a chart that writes `@` before its digest takes a whole one, whatever the key is called',
    {
      ...values('  tag: "1"\n  sha: ""\n'),
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}@{{ .Values.image.sha }}"`),
    },
    'docker.io/team/app:1 digest',
  ],
  [
    'P29 a chart that writes `@sha256:` takes the hex digits',
    {
      ...values('  tag: "1"\n  digest: ""\n'),
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}@sha256:{{ .Values.image.digest }}"`),
    },
    'docker.io/team/app:1 hex',
  ],
  [
    'P29 a digest that no template reads is not written',
    { ...values('  tag: "1"\n  digest: ""\n'), ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}"`) },
    /do not read 'digest'/,
  ],
  [
    'P29 a tag that only the image uses takes the digest',
    { ...values('  tag: "1"\n'), ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}"`) },
    'docker.io/team/app:1 tag',
  ],
  [
    'P29 a tag in a label too takes none',
    {
      ...values('  tag: "1"\n'),
      ...chart(`version: {{ .Values.image.tag }}\nimage: "${IMAGE}:{{ .Values.image.tag }}"`),
    },
    /uses this tag for more than this image/,
  ],
  [
    'P35 an empty tag is the appVersion that the templates fill in; the digest has its own key',
    {
      ...values('  tag: ""\n  digest: ""\n'),
      ...chart(
        `{{- if .Values.image.digest }}\nimage: "${IMAGE}@{{ .Values.image.digest }}"\n{{- else }}\nimage: "${IMAGE}:{{ .Values.image.tag | default .Chart.AppVersion }}"\n{{- end }}`,
      ),
    },
    'docker.io/team/app:1.2.3 digest',
  ],
  [
    'P35 the same beside a digest, which the lock knows under that tag',
    {
      ...values(`  tag: ""\n  digest: "sha256:${'a'.repeat(64)}"\n`),
      ...chart(
        `{{- if .Values.image.digest }}\nimage: "${IMAGE}@{{ .Values.image.digest }}"\n{{- else }}\nimage: "${IMAGE}:{{ .Values.image.tag | default .Chart.AppVersion }}"\n{{- end }}`,
      ),
    },
    `docker.io/team/app:1.2.3@sha256:${'a'.repeat(64)} digest`,
  ],
  [
    'P35 an empty tag without a key for the digest: the tag to write is said',
    {
      ...values('  tag: ""\n'),
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag | default (printf "v%s" .Chart.AppVersion) }}"`),
    },
    /fills in its appVersion: write tag: "v1\.2\.3" here/,
  ],
  [
    'P6 a registry for all images decides where the chart reads it',
    {
      'c/values.yaml': 'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
      ...chart(`image: "{{ .Values.global.imageRegistry }}/${IMAGE}:{{ .Values.image.tag }}"`),
    },
    'registry.corp.example/team/app:1 tag',
  ],
  [
    'P6 one that the chart does not read changes nothing',
    {
      'c/values.yaml': 'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}"`),
    },
    'docker.io/team/app:1 tag',
  ],
  [
    'P6 one that no template reads, where the image is printed by a format',
    {
      'c/values.yaml': 'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
      ...chart(`image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag }}`),
    },
    'docker.io/team/app:1 tag',
  ],
  [
    'P6 one that the chart reads for another image only: this one is printed without it',
    {
      'c/values.yaml': 'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
      ...chart(`image: {{ .Values.global.imageRegistry }}/other:1\n---\n  - image: "${IMAGE}:{{ .Values.image.tag }}"`),
    },
    'docker.io/team/app:1 tag',
  ],
  [
    'P6 one that the chart prints before this image in one place and not in another',
    {
      'c/values.yaml': 'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
      ...chart(
        `image: {{ .Values.global.imageRegistry }}/${IMAGE}:{{ .Values.image.tag }}\n---\nimage: ${IMAGE}:{{ .Values.image.tag }}`,
      ),
    },
    /print this image with and without it/,
  ],
  [
    'P6 values of a chart elsewhere: nothing is asked and nothing is written',
    {
      'prod/values.yaml':
        'global:\n  imageRegistry: registry.corp.example\nimage:\n  repository: team/app\n  tag: "1"\n',
    },
    /global\.imageRegistry is set, and whether the chart/,
  ],
  [
    'a registry beside the image that no template reads is not part of it',
    {
      'c/values.yaml': 'image:\n  registry: registry.example.com\n  repository: team/app\n  tag: "1"\n',
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}"`),
    },
    'docker.io/team/app:1 tag',
  ],
  [
    'values below the key of a dependency are read by its templates',
    {
      'c/values.yaml': 'sub:\n  image:\n    repository: team/app\n    tag: "1"\n',
      ...chart('image: x', 'dependencies:\n- {name: sub, version: 1.0.0}\n'),
      'c/charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'c/charts/sub/templates/a.yaml': `image: "${IMAGE}:{{ .Values.image.tag }}"`,
    },
    'docker.io/team/app:1 tag',
  ],
  [
    'values below the alias of a dependency, whose chart is beside this one',
    {
      'c/values.yaml': 'web:\n  image:\n    repository: team/app\n    tag: "1"\n    digest: ""\n',
      ...chart('image: x', 'dependencies:\n- {name: sub, alias: web, version: 1.0.0, repository: "file://../sub"}\n'),
      'sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'sub/templates/a.yaml': `image: "${IMAGE}@sha256:{{ .Values.image.digest }}"`,
    },
    'docker.io/team/app:1 hex',
  ],
  [
    'values of a dependency that is elsewhere cannot be judged',
    {
      'c/values.yaml': 'sub:\n  image:\n    repository: team/app\n    tag: "1"\n',
      ...chart(`image: "${IMAGE}:{{ .Values.image.tag }}"`, 'dependencies:\n- {name: sub, version: 1.0.0}\n'),
    },
    /what chart sub does with a digest here is not known/,
  ],
];
for (const [name, files, result] of cases)
  test(name, async () => {
    const [line, ...more] = await images(files);
    assert.deepEqual(more, []);
    if (typeof result === 'string') assert.equal(line, result);
    else assert.match(line ?? '', result);
  });

const release = (chart: string, image: string) =>
  `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  chart: {spec: {chart: ${chart}}}\n  values:\n    image:\n      repository: team/app\n${image}`;
const elsewhere: [name: string, files: Record<string, string>, settings: ChartSetting[], result: string | RegExp][] = [
  [
    'a chart that nobody knows',
    { 'release.yaml': release('mine', '      tag: v1\n') },
    [],
    /what chart mine does with a digest/,
  ],
  [
    'a chart that is known',
    { 'release.yaml': release('app-template', '      tag: v1\n') },
    [],
    'docker.io/team/app:v1 tag',
  ],
  [
    'a known chart whose tag is more than the image',
    { 'release.yaml': release('kube-prometheus-stack', '      tag: v1\n') },
    [],
    /what chart kube-prometheus-stack does/,
  ],
  [
    'a known chart with hex digits',
    { 'release.yaml': release('kube-prometheus-stack', '      tag: v1\n      sha: ""\n') },
    [],
    'docker.io/team/app:v1 hex',
  ],
  [
    'a setting by name',
    { 'release.yaml': release('mine', '      tag: v1\n      digest: ""\n') },
    [{ chart: 'mine', digest: 'hex' }],
    'docker.io/team/app:v1 hex',
  ],
  [
    'a setting by file',
    { 'prod/values.yaml': 'image:\n  repository: team/app\n  tag: v1\n' },
    [{ files: 'prod/*', tag: 'image' }],
    'docker.io/team/app:v1 tag',
  ],
  [
    'values of a chart that nobody names',
    { 'prod/values.yaml': 'image:\n  repository: team/app\n  tag: v1\n' },
    [],
    /what this chart does with a digest/,
  ],
];
for (const [name, files, settings, result] of elsewhere)
  test(`P29 elsewhere: ${name}`, async () => {
    const [line] = await images(files, settings);
    if (typeof result === 'string') assert.equal(line, result);
    else assert.match(line ?? '', result);
  });

test('P29 elsewhere: a digest that is written tells what the chart takes', async () => {
  const pinned = release('mine', `      tag: v1@sha256:${'a'.repeat(64)}\n`);
  const lines = await images({ 'release.yaml': `${pinned}---\n${release('mine', '      tag: v2\n')}` });
  assert.equal(lines[1], 'docker.io/team/app:v2 tag');
});
