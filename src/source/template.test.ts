import { podText, testFind } from '../../test/find-case.ts';

const file = 'chart/templates/web.tpl';

testFind([
  {
    name: 'template lines: keys that hold an image, quoted or not, in a list or not',
    file,
    dialect: 'template',
    text: `image: a:1
  - image: b:1
"image": "c:1"
'sidecarImage' : 'd/d:1'
-  image:   e:1   # comment
image: f:1#no-comment
`,
    found: ['image a:1', 'image b:1', 'image c:1', 'sidecarImage d/d:1', 'image e:1'],
    skipped: ['invalid f:1#no-comment'],
  },
  {
    name: 'template lines: other keys, comments and YAML that a line does not complete are no image',
    file,
    text: `images: a:1
myimage: b:1
# image: c:1
image:d:1
image: &x e:1
image: *x
image: !!str f:1
image: |
image: >-
image: {a: b}
image: [a]
image: "open
image: ''
- name: image: g:1
`,
  },
  {
    name: 'template lines: expressions are named, with the quotes that they contain',
    file,
    text: `image: {{ include "x" . }}
image: "{{ .a | default "x:1" }}:{{ .b }}" # c
image: '{{ .a }}'
image: a/{{ .b }}:1
`,
    skipped: [
      'template {{ include "x" . }}',
      'template {{ .a | default "x:1" }}:{{ .b }}',
      'template {{ .a }}',
      'template a/{{ .b }}:1',
    ],
  },
  {
    name: 'template lines: a quoted literal that looks like YAML is a literal',
    file,
    text: 'image: "[a]"\n',
    skipped: ['invalid [a]'],
  },
  {
    name: 'template lines: a line of thousands of characters is passed over',
    file,
    text: `image: ${'a'.repeat(5000)}\nimage: b:1\n`,
    found: ['image b:1'],
  },
  {
    name: 'YAML that does not parse because of its template is read by line, and other documents as YAML',
    file: 'templates/web.yaml',
    text: `{{- if .Values.on }}\nimage: a:1\n{{- end }}\n---\n${podText('  containers: [{image: b}]\n')}`,
    found: ['image a:1', 'spec.containers[0].image b'],
  },
]);
