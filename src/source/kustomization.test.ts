import { testFind } from '../../test/find-case.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

testFind([
  {
    name: 'kustomization: images and inline patches',
    file: 'base/kustomization.yaml',
    text: `images:
- name: nginx
  newTag: "1.27"
- name: app
  newName: ghcr.io/x/app
  newTag: v1
  digest: ${DIGEST}
- {name: flow, newTag: v2}
- name: renamed
  newName: other
patches:
- patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: redis:7
`,
    found: [
      'images[0].name nginx:1.27',
      `images[1].newName ghcr.io/x/app:v1@${DIGEST}`,
      'images[2].name flow:v2',
      'patches[0].patch.|[0].value redis:7',
    ],
    skipped: ['incomplete other'],
  },
]);
