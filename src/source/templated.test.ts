import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEvents, YAMLException } from 'js-yaml';
import { findIn } from './find.ts';
import { failedAtTemplate } from './templated.ts';
import { secondReader } from './yaml-second.ts';

const OPTIONS = { fields: [], argsAndEnv: false };

/** Lines of manifests and templates, and what breaks them. */
const LINES = [
  'spec:',
  '  containers:',
  '    - name: web',
  '      image: nginx:1.27',
  '      image: {{ .Values.image }}',
  '      image: "{{ .Values.repo }}:{{ .Values.tag }}"',
  '  name: {{ include "x.name" . }}-suffix',
  '  name: "{{ include "x.name" . }}"',
  '{{- if .Values.on }}',
  '  {{- end }}',
  '    {{- toYaml .Values.env | nindent 8 }}',
  '  {{ x }}',
  '    - {{ .x }}',
  '{% if on %}',
  'args: [',
  '  "{{ a }}",',
  '  {{ b }}',
  ']',
  '}',
  'map: {',
  'text: |',
  '  {{ if x }}',
  'note: "a \\d {{ x }}',
  '\tkey: {{ x }}',
  "  it's: {{ x }}",
  '',
];

test('P28: where the first reader fails at a template, the second reader fails too', () => {
  let decided = 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...LINES), { minLength: 1, maxLength: 12 }),
      fc.constantFrom('\n', '\r\n'),
      (lines, end) => {
        const text = lines.join(end);
        const at = offsetOfFailure(text);
        if (at === undefined || !failedAtTemplate(text, at)) return;
        decided++;
        assert.throws(() => secondReader(text, 0, () => new Error('refused')));
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(decided > 300, `only ${decided} texts were decided`);
});

test('P28: the ways in which a template stops a parser are decided without the second reader', () => {
  for (const text of [
    '{{- if .Values.on }}\nkind: Pod\n{{- end }}\n',
    'metadata:\n  name: {{ include "x.name" . }}-web\n',
    'metadata:\n  name: "{{ include "x.name" . }}"\n',
    'metadata:\n  labels:\n    {{- include "x.labels" . | nindent 4 }}\n  name: web\n',
    'list:\n  - {{ .x }}-y\n',
    'a: {{ x }}\n\n{% if on %}\nb: 1\n{% endif %}\n',
  ]) {
    const at = offsetOfFailure(text);
    assert.ok(at !== undefined && failedAtTemplate(text, at), text);
  }
});

test('P28: a template inside a text does not hide what only the second reader reads', async () => {
  const pod =
    'kind: Pod\napiVersion: v1\nspec:\n  containers:\n    - image: nginx:1.27\n      args: [\n        "x"\n      ]\n';
  const text = `metadata:\n  annotations:\n    note: |\n      {{- if x }}\n      {{- end }}\n    other: "{{ y }}"\n${pod}`;
  assert.notEqual(offsetOfFailure(text), undefined);
  const { found, problems } = await findIn(text, 'a.yaml', OPTIONS);
  assert.deepEqual(problems, []);
  assert.equal(found[0]?.path, 'spec.containers[0].image');
});

test('P28: a closing bracket below an expression is read by the second reader, as before', () => {
  const text = 'spec:\n  args: [\n    {{ x }}\n  ]\n';
  const at = offsetOfFailure(text);
  assert.ok(at !== undefined && !failedAtTemplate(text, at));
  assert.equal(secondReader(text, 0, () => new Error('refused'))?.kind, 'map');
});

/** Where js-yaml gives up; undefined when it takes the text. */
function offsetOfFailure(text: string): number | undefined {
  try {
    parseEvents(text, { maxDepth: 100 });
    return undefined;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return error.mark?.position ?? 0;
  }
}
