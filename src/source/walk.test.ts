import { podText, testFind } from '../../test/find-case.ts';

testFind([
  {
    name: 'nothing hides: escaped keys, explicit keys, a kind that is only a string or is overridden',
    text: `{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"im\\u0061ge": "a:1"}]}}
---
apiVersion: v1
kind: Pod
spec:
  containers:
  - ? image
    : b:1
---
apiVersion: v1
kind: CustomResourceDefinition
kind: Pod
spec:
  containers:
  - image:
      c:1
`,
    found: ['spec.containers[0].image a:1', 'spec.containers[0].image b:1', 'spec.containers[0].image c:1'],
  },
  {
    name: 'ignore comments need a reason',
    text: podText(`  containers:
  - image: a:1 # tagproof:ignore built by this repository
  # tagproof:ignore local test double
  - image: b:1
  - image: c:1 # tagproof:ignore
`),
    found: ['spec.containers[2].image c:1'],
    skipped: ['ignored a:1', 'ignored b:1'],
  },
  {
    name: 'variables and templates are named, not read',
    text: podText(
      '  containers:\n  - image: ${REGISTRY}/a:1\n  - image: {{ .Values.image }}\n  - image: "{{ .r }}:{{ .t }}"\n',
    ),
    skipped: ['variable ${REGISTRY}/a:1', 'template {{ .Values.image }}', 'template {{ .r }}:{{ .t }}'],
  },
  {
    name: 'an invalid reference where an image belongs',
    text: podText('  containers:\n  - image: Nginx:1\n'),
    skipped: ['invalid Nginx:1'],
  },
  {
    name: 'a closing bracket at the indentation of its key, which js-yaml refuses',
    text: podText('  containers:\n  - name: a\n    args: [\n      "x"\n    ]\n    image: a:1\n'),
    found: ['spec.containers[0].image a:1'],
  },
]);
