// The proof by rendering, with the real helm: for charts of many habits, with subcharts, an edit is proved exactly where every line that
// helm renders is the same or an image with the digest of its own name.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { Reference } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { parseReference, printReference, withoutDigest } from '../../src/image/reference.ts';
import { Problem } from '../../src/problem.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { proveRendered } from '../../src/render/prove.ts';
import { makeRepository, runTagproof } from '../run-cli.ts';
import { atEnd, command, scratch, suite } from './suite.ts';

const digestFor = (reference: Reference) => digestOf(printReference(withoutDigest(reference)));
const D = digestFor(parseReference('registry.example.com/team/app:1.2.3') as Reference);

const habits = fc.record({
  image: fc.constantFrom(
    '{{ .repository }}:{{ .tag }}',
    '{{ .repository }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}',
    '{{ .repository }}:{{ .tag }}{{ if .digest }}@sha256:{{ .digest }}{{ end }}',
    '{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}',
    'mirror.example.com/{{ .repository }}:{{ .tag }}',
  ),
  label: fc.constantFrom(
    '',
    '{{ .tag | quote }}',
    '{{ .tag | trunc 5 | quote }}',
    '{{ .digest | default "none" | quote }}',
  ),
  semver: fc.boolean(),
  random: fc.boolean(),
  checksum: fc.boolean(),
  /** Where the edited values are. */
  place: fc.constantFrom('chart', 'vendored', 'beside', 'ci'),
  edit: fc.constantFrom('tag', 'full', 'hex', 'other'),
});
type ChartHabits = typeof habits extends fc.Arbitrary<infer T> ? T : never;

const values = (tag: string, digest: string, indent = '') =>
  `image:\n  repository: registry.example.com/team/app\n  tag: "${tag}"\n  digest: "${digest}"\n`.replace(
    /^(?=.)/gm,
    indent,
  );

/** @returns the files, and which of them is edited and how */
function chartOf({ image, label, semver, random, checksum, place, edit }: ChartHabits) {
  const more = [
    ...(label === '' ? [] : [`  labels: {version: ${label}}\n`]),
    ...(semver ? ['{{- if semverCompare ">=1.0.0" .tag }}\n  generateName: new\n{{- end }}\n'] : []),
    ...(checksum
      ? [
          `  annotations: {checksum/image: {{ printf "${image.replace(/\{\{.*/, '')}%s%s" .tag .digest | sha256sum }}}\n`,
        ]
      : []),
  ].join('');
  const pod = `{{- with .Values.image }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ $.Chart.Name }}\n${more}spec:\n  containers:\n  - name: a\n    image: "${image}"\n{{- end }}\n`;
  const secret = '---\nkind: Secret\nmetadata: {name: s}\ndata: {password: {{ randAlphaNum 12 | b64enc }}}\n';
  const templates = random ? pod + secret : pod;
  const head = (name: string, rest = '') => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${rest}`;
  const edited = {
    tag: values(`1.2.3@${D}`, ''),
    full: values('1.2.3', D),
    hex: values('1.2.3', D.slice(7)),
    other: values('1.2.3', digestOf('other')),
  };
  const [text, after] = [values('1.2.3', ''), edited[edit]];
  const sub = place === 'vendored' ? 'app/charts/sub' : 'sub';
  const files: Record<string, string> = {
    'app/Chart.yaml': head('app'),
    'app/templates/pod.yaml': templates,
    'app/values.yaml': text,
  };
  if (place === 'ci') files['app/ci/full-values.yaml'] = text;
  if (place === 'vendored' || place === 'beside') {
    const dependency = `dependencies: [{name: sub, version: 1.0.0${place === 'beside' ? ', repository: "file://../sub"' : ''}}]\n`;
    Object.assign(files, {
      'app/Chart.yaml': head('app', dependency),
      'app/values.yaml': `image:\nsub:\n${text.replace(/^(?=.)/gm, '  ')}`,
      'app/templates/pod.yaml': '{{/* nothing of its own */}}\n',
      [`${sub}/Chart.yaml`]: head('sub'),
      [`${sub}/templates/pod.yaml`]: templates,
      [`${sub}/values.yaml`]: text,
    });
  }
  const path = place === 'ci' ? 'app/ci/full-values.yaml' : 'app/values.yaml';
  const own = files[path] as string;
  return {
    files,
    path,
    before: own,
    after: own.includes('sub:') ? `image:\nsub:\n${after.replace(/^(?=.)/gm, '  ')}` : after,
  };
}

/** The oracle, by lines and not by objects: equal, or an image with the digest of its own name. */
function isRight(before: string, after: string): boolean {
  const [a, b] = [before.split('\n'), after.split('\n')];
  return (
    a.length === b.length &&
    a.every((line, i) => {
      const now = b[i] as string;
      if (line === now || /password: /.test(line)) return true;
      if (/checksum\/image: [0-9a-f]{64}/.test(line))
        return before.includes('image:') && /image: .*@sha256/.test(after);
      const [image, pinned] = [line, now].map((text) => /^ +image: "(.*)"$/.exec(text)?.[1] ?? '');
      const [old, next] = [image, pinned].map((text) => parseReference(text as string));
      if (old instanceof Problem || next instanceof Problem || old === undefined || next === undefined) return false;
      const isNamed = old.registry === next.registry && old.repository === next.repository;
      return isNamed && next.digest === digestFor(old) && (next.tag === undefined || next.tag === old.tag);
    })
  );
}

suite('pin --prove with helm', ['helm'], () => {
  const root = scratch();
  let run = 0;

  test('P6, P29: an edit is proved exactly where all that helm renders stays but for right digests', async () => {
    const count = { proved: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(habits, async (generated) => {
        const folder = join(root, String(run++));
        const { files, path, before, after } = chartOf(generated);
        for (const [file, text] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, file)), { recursive: true });
          writeFileSync(join(folder, file), text);
        }
        const proof = await proveRendered({
          top: folder,
          edited: [{ path, before: Buffer.from(before), after: Buffer.from(after) }],
          isDigestOf: () => (digest, reference) => digest === digestFor(reference),
          signal: new AbortController().signal,
          progress: () => {},
        });
        assert.deepEqual(proof.notRendered, []);
        // The tree itself is as it was.
        for (const [file, text] of Object.entries(files)) assert.equal(readFileSync(join(folder, file), 'utf8'), text);

        if (generated.place === 'beside') {
          mkdirSync(join(folder, 'app/charts'));
          await command('cp', ['-r', join(folder, 'sub'), join(folder, 'app/charts/sub')]);
        }
        const more = generated.place === 'ci' ? ['--values', join(folder, path)] : [];
        const render = () => command('helm', ['template', 'release', join(folder, 'app'), ...more]).catch(() => '');
        const old = await render();
        writeFileSync(join(folder, path), after);
        const right = isRight(old, await render());
        assert.equal(proof.refused.length === 0, right, `${JSON.stringify(generated)} ${proof.refused}`);
        count[right ? 'proved' : 'refused']++;
      }),
      { numRuns: 60, endOnFailure: false },
    );
    assert.ok(count.proved > 10 && count.refused > 10, JSON.stringify(count));
  });

  let host = '';
  before(async () => {
    const registry = new EmbeddedRegistry();
    host = await registry.listen();
    atEnd(() => registry.close());
    await pushSample(host, { repository: 'app', tag: '1.2.3', platforms: ['linux/amd64'], content: 'x' });
  });

  test('a chart with its values, and what is not rendered', async () => {
    const chart = (name: string, more = '') => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${more}`;
    const template =
      'kind: Pod\nspec: {containers: [{image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"}]}\n';
    const text = `image:\n  repository: ${host}/app\n  tag: "1.2.3"\n`;
    const folder = makeRepository({
      'tagproof.yaml': '{}\n',
      'app/Chart.yaml': chart('app'),
      'app/templates/a.yaml': template,
      'app/values.yaml': text,
      'app/values-prod.yaml': text,
      'far/Chart.yaml': chart(
        'far',
        'dependencies: [{name: redis, version: 1.0.0, repository: "https://charts.example.com"}]\n',
      ),
      'lib/Chart.yaml': chart('lib', 'type: library\n'),
      'needs/Chart.yaml': chart('needs'),
      'needs/templates/a.yaml': 'a: {{ required "give me a value" .Values.x }}\n',
    });
    const { code, stdout, stderr } = await runTagproof(folder, ['pin', '--prove']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^proved 0 kustomizations and 1 chart; 3 not rendered: 3 reasons$/m);
    assert.match(stdout, /^not rendered: far: chart dependencies not vendored: redis$/m);
    assert.match(stdout, /^not rendered: lib: a library chart renders nothing by itself$/m);
    assert.match(stdout, /^not rendered: needs: .*give me a value/m);
    for (const file of ['values.yaml', 'values-prod.yaml'])
      assert.match(readFileSync(join(folder, 'app', file), 'utf8'), /tag: "1\.2\.3@sha256:[0-9a-f]{64}"/);
  });
});
