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
  {
    name: 'kustomization: newName without name of its own tag, a digest alone, a tag that holds its digest',
    file: 'kustomization.yaml',
    dialect: 'kustomize',
    text: `images:
- {name: a, newName: quay.io/x/a, newTag: v1}
- {name: b, digest: "${DIGEST}"}
- {name: c, newTag: "v1@${DIGEST}"}
- {name: d, newName: "", newTag: v1}
`,
    found: [
      'images[0].newName quay.io/x/a:v1',
      `images[1].name b@${DIGEST}`,
      `images[2].name c:v1@${DIGEST}`,
      'images[3].name d:v1',
    ],
  },
  {
    name: 'kustomization: entries that name nothing, expressions, what is no reference',
    file: 'kustomization.yaml',
    text: 'images:\n- {newTag: v1}\n- {name: "", newTag: v1}\n- x\n- {name: a, newTag: "${TAG}"}\n- {name: A, newTag: v1}\n- {name: [x], newTag: v1}\n---\nimages: none\n',
    skipped: ['variable a', 'pattern A'],
  },
  {
    name: 'P11 kustomization: a name to look for is no image, a new name is',
    file: 'kustomization.yaml',
    text: 'images:\n- {name: IMAGE_URL, newName: ghcr.io/o/a, newTag: v1}\n- {name: a, newName: B, newTag: v1}\n- {name: .*, newTag: v2}\n- {name: c, newTag: a b}\n',
    found: ['images[0].newName ghcr.io/o/a:v1'],
    skipped: ['invalid B', 'pattern .*', 'invalid c'],
  },
  {
    name: 'kustomization: the list behind an anchor',
    file: 'kustomization.yaml',
    text: 'x: &i [{name: a, newTag: v1}]\nimages: *i\n',
    found: ['images[0].name a:v1'],
  },
]);
