// What charts do with digests and tags: spellings of public charts (P29).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTag, digestUse, tagUse } from './chart-use.ts';

const digests: [template: string, use: string][] = [
  ['image: "{{ .Values.image.repository }}@{{ .Values.image.digest }}"', 'full'],
  ['image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}@sha256:{{ .Values.image.digest }}"', 'hex'],
  [
    '{{- printf "%s/%s:%s@%s" .Values.image.registry .Values.image.repository (default (printf "v%s" .Chart.AppVersion) .Values.image.tag) .Values.image.digest }}',
    'full',
  ],
  ['{{- printf "%s@sha256:%s" .Values.image.repository .Values.image.digest -}}', 'hex'],
  ['{{- with .Values.image.digest -}}@{{ .}}{{- end -}}', 'full'],
  ['{{- $digest := .Values.image.digest }}\nimage: "{{ .Values.image.repository }}@{{ $digest }}"', 'full'],
  [
    '{{- $sha := (.Values.image.digest | empty | not) | ternary (printf "@sha256:%s" .Values.image.digest) "" -}}\nimage: x{{ $sha }}',
    'unknown',
  ],
  [
    '{{- if .Values.image.digest }}\nimage: "{{ tpl .Values.image.repository . }}@{{ tpl .Values.image.digest . }}"\n{{- end }}',
    'full',
  ],
  ['image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"', 'unused'],
  ['sha: {{ .Values.image.digest }}\nimage: x@sha256:{{ .Values.image.digest }}', 'unknown'],
  ['x@{{ .Values.image.digest }}\ny@sha256:{{ .Values.image.digest }}', 'unknown'],
  ['{{- define "image" -}}{{ .image.repository }}@{{ .image.digest }}{{- end -}}', 'full'],
  ['{{/* .Values.image.digest */}}', 'unused'],
];
for (const [template, use] of digests)
  test(`P29 a digest is ${use} in ${template.slice(0, 90).replaceAll('\n', ' ')}`, () => {
    assert.equal(digestUse([template], ['image', 'digest']), use);
  });

const tags: [template: string, use: string][] = [
  ['image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"', 'image'],
  ['{{- printf "%s:%s" .Values.image.repository .Values.image.tag }}', 'image'],
  ['{{- printf "%s/%s:%s" $registry $repository (default .Chart.AppVersion .Values.image.tag) -}}', 'image'],
  [
    'image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\napp.kubernetes.io/version: {{ .Values.image.tag | quote }}',
    'elsewhere',
  ],
  [
    'image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\nversion: "{{ default .Values.image.tag .Values.version }}"',
    'elsewhere',
  ],
  [
    'image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n{{- if semverCompare ">=1.0.0-0" (coalesce .Values.image.tag .Chart.AppVersion) }}',
    'elsewhere',
  ],
  [
    'image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\nversion: {{ mustRegexReplaceAllLiteral "@sha.*" .Values.image.tag "" | quote }}',
    'image',
  ],
  [
    '{{- if .Values.image.tag -}}\nimage: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n{{- end }}',
    'image',
  ],
  ['{{- $tag := .Values.image.tag | toString -}}\n{{- printf "%s/%s:%s" $registry $repository $tag -}}', 'image'],
  ['{{- $tag := .Values.image.tag -}}\nversion: {{ $tag }}', 'elsewhere'],
  ['image: x', 'unused'],
  ['image: grafana/agent:{{ .Values.image.tag }}', 'elsewhere'],
  ['image: {{ .Values.other.repository }}:{{ .Values.image.tag }}', 'elsewhere'],
];
for (const [template, use] of tags)
  test(`P29 a tag is ${use} in ${template.slice(0, 90).replaceAll('\n', ' ')}`, () => {
    assert.equal(tagUse([template], ['image', 'tag']).kind, use);
  });

test('the end of another value is no use of this one', () => {
  assert.equal(tagUse(['image: {{ .r }}:{{ .Values.other.image.tag }}'], ['a', 'image', 'tag']).kind, 'unused');
  assert.equal(tagUse(['image: {{ .r }}:{{ $.Values.other.image.tag }}'], ['a', 'image', 'tag']).kind, 'unused');
  assert.equal(
    tagUse(['{{ define "i" }}{{ .image.repository }}:{{ .image.tag }}{{ end }}'], ['a', 'image', 'tag']).kind,
    'image',
  );
});

const defaults: [templates: string[], tag: string | undefined][] = [
  [['{{ .Values.image.tag | default .Chart.AppVersion }}'], '1.2.3'],
  [['{{ default (printf "v%s" .Chart.AppVersion) .Values.image.tag }}'], 'v1.2.3'],
  [['{{ default (printf "r-%s" .Chart.AppVersion) .Values.image.tag }}'], undefined],
  [['{{ .Values.image.tag | default (.Chart.AppVersion | trimPrefix "v") }}'], undefined],
  [['{{ .Values.image.tag | default (.Chart.AppVersion | replace "+" "-") }}'], undefined],
  [['{{ .Values.image.tag | default "latest" }}'], undefined],
  [['{{ .Values.image.tag }}-{{ .Chart.AppVersion }}'], undefined],
  [['{{ .Values.image.tag | default .Chart.AppVersion }}', '{{ .Values.image.tag | default "x" }}'], undefined],
  [
    [
      '{{ .Values.image.tag | default .Chart.AppVersion }}',
      '{{ default (printf "v%s" .Chart.AppVersion) .Values.image.tag }}',
    ],
    undefined,
  ],
  [['image: x'], undefined],
];
for (const [templates, tag] of defaults)
  test(`P35 an empty tag is ${tag ?? 'not known'} in ${templates.join(' and ')}`, () => {
    assert.equal(defaultTag(templates, ['image', 'tag'], '1.2.3'), tag);
  });
