// Charts of many habits against the real helm: what the graph pins is rendered as the same image with the digest of that image, and
// nothing else that the chart renders changes; what it does not pin stays as it is (P6, P29, P35).
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeAsDeployed } from '../../src/graph/graph.ts';
import { digestOf } from '../../src/image/hash.ts';
import { parseReference, printReference, withoutDigest } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { applyEdits, pinEdit } from '../../src/source/edit.ts';
import { findIn } from '../../src/source/find.ts';
import { command, scratch, suite, writeTree } from './suite.ts';

const habits = fc.record({
  key: fc.constantFrom('digest', 'sha'),
  registry: fc.constantFrom(
    '',
    '{{ .Values.image.registry }}/',
    '{{ .Values.global.imageRegistry | default .Values.image.registry }}/',
  ),
  tag: fc.constantFrom(
    '{{ .Values.image.tag }}',
    '{{ .Values.image.tag | default .Chart.AppVersion }}',
    '{{ default (printf "v%s" .Chart.AppVersion) .Values.image.tag }}',
  ),
  digest: fc.constantFrom(
    '',
    '{{ with .Values.image.KEY }}@{{ . }}{{ end }}',
    '{{ if .Values.image.KEY }}@sha256:{{ .Values.image.KEY }}{{ end }}',
    '{{ if .Values.image.KEY }}@{{ .Values.image.KEY }}{{ end }}',
  ),
  // A fixed other name with the same tag: that image's digest is another one.
  more: fc.constantFrom(
    '',
    '  labels: {version: {{ .Values.image.tag | quote }}}\n',
    '  annotations: {side: "registry.example.com/fixed:{{ .Values.image.tag }}"}\n',
    '{{- if semverCompare ">=1.0.0" (.Values.image.tag | default "1.2.3") }}\n  annotations: {new: "yes"}\n{{- end }}\n',
  ),
  helper: fc.boolean(),
  values: fc.record({
    tag: fc.constantFrom('"1.2.3"', '""', '1.2.3'),
    key: fc.constantFrom('', 'KEY: ""', "KEY: ''", 'KEY:'),
    registry: fc.constantFrom('', 'registry.example.com'),
    global: fc.constantFrom('', 'global.example.com'),
  }),
});
type Habits = typeof habits extends fc.Arbitrary<infer T> ? T : never;

function filesOf({ key, registry, tag, digest, more, helper, values }: Habits): Record<string, string> {
  const image = `${registry}{{ .Values.image.repository }}:${tag}${digest.replaceAll('KEY', key)}`;
  const used = helper ? '{{ include "c.image" . }}' : image;
  const own = values.key === '' ? '' : `  ${values.key.replace('KEY', key)}\n`;
  return {
    'Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: 1.2.3\n',
    'templates/_helpers.tpl': `{{- define "c.image" -}}\n${image}\n{{- end -}}\n`,
    'templates/pod.yaml': `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n${more}spec:\n  containers:\n  - name: a\n    image: "${used}"\n`,
    'values.yaml': `global:\n  imageRegistry: "${values.global}"\nimage:\n  registry: "${registry === '' ? values.registry : 'registry.example.com'}"\n  repository: team/app\n  tag: ${values.tag}\n${own}`,
  };
}

const digestFor = (name: string): string => digestOf(name);

suite('helm-graph', ['helm'], () => {
  test('each chart renders what it rendered before, with the digests of its images or without any', async () => {
    const root = scratch();
    let [run, pinned] = [0, 0];
    await fc.assert(
      fc.asyncProperty(habits, async (generated) => {
        const folder = join(root, String(run++));
        const files = filesOf(generated);
        writeTree(folder, Object.entries(files));
        const before = await command('helm', ['template', 'x', folder]);
        const text = files['values.yaml'] as string;
        const found = [await findIn(text, 'values.yaml', { fields: [], argsAndEnv: false })];
        const [seen] = await seeAsDeployed(found, { files: Object.keys(files), top: folder });
        const edits = (seen?.found ?? [])
          .filter(({ slot }) => slot.blocked === undefined)
          .flatMap((item) => pinEdit(item, digestFor(printReference(withoutDigest(item.reference)))) ?? []);
        writeFileSync(join(folder, 'values.yaml'), applyEdits(text, edits));
        const after = await command('helm', ['template', 'x', folder]);
        if (edits.length > 0) pinned++;
        assert.equal(after, edits.length === 0 ? before : withDigests(before), JSON.stringify(files, null, 1));
      }),
      { numRuns: 80, endOnFailure: false },
    );
    assert.ok(pinned > 8, `only ${pinned} of ${run} charts were pinned`);
  });
});

const numberTag = fc.oneof(
  fc.nat(30_000_000).map(String),
  fc.tuple(fc.nat(99), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
  fc.tuple(fc.nat(99), fc.nat(99)).map(([whole, part]) => `${whole}.${part}0`),
  fc.tuple(fc.nat(9), fc.constantFrom('e', 'E'), fc.integer({ min: -9, max: 9 })).map(([a, e, b]) => `${a}${e}${b}`),
  fc.nat(4095).map((value) => `0${value.toString(8)}`),
  fc.nat(4095).map((value) => `0o${value.toString(8)}`),
  fc.nat(4095).map((value) => `0x${value.toString(16)}`),
  fc.nat(99_999).map((value) => String(value).replace(/\B(?=(\d{3})+$)/g, '_')),
  fc.nat(999).map((value) => `0.0000${value}`),
);

suite('helm: tags that are numbers', ['helm'], () => {
  test('P4: a plain number is pinnable exactly where helm renders it as it is written; else the message has what helm renders', async () => {
    const tags = fc.sample(numberTag, 400);
    const folder = scratch();
    mkdirSync(join(folder, 'templates'));
    writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: c\nversion: 1.0.0\n');
    writeFileSync(join(folder, 'values.yaml'), `tags:\n${tags.map((tag) => `- ${tag}\n`).join('')}`);
    writeFileSync(join(folder, 'templates/a.yaml'), 'a: |\n{{ range .Values.tags }}  tag={{ . }}\n{{ end }}');
    const rendered = [...(await command('helm', ['template', 'x', folder])).matchAll(/tag=(.*)/g)].map(
      ([, tag]) => tag,
    );
    assert.equal(rendered.length, tags.length);
    for (const [i, tag] of tags.entries()) {
      const values = `image:\n  repository: team/app\n  tag: ${tag}\n`;
      const { found } = await findIn(values, 'values.yaml', { fields: [], argsAndEnv: false });
      const said = /a chart renders (\S+):/.exec(found[0]?.slot.blocked ?? '')?.[1];
      assert.equal(said ?? tag, rendered[i], tag);
    }
  });
});

/** What must be rendered: every image with the digest of its own name. */
function withDigests(rendered: string): string {
  return rendered.replace(/^( +image: )"(.+)"$/gm, (line, field, name) => {
    const reference = parseReference(name);
    if (reference instanceof Problem) return line;
    return `${field}"${name}@${digestFor(printReference(reference))}"`;
  });
}
