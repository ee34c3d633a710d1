// Overrides in objects of GitOps controllers (P19, P32): what is found, and where a digest is written and taken out again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyEdits, pinEdit, unpinEdit } from './edit.ts';
import { findIn } from './find.ts';

const OPTIONS = { fields: [], argsAndEnv: false };
const D = `sha256:${'d'.repeat(64)}`;

/** Found and skipped, in the order of the file. */
async function lines(text: string, file = 'app.yaml'): Promise<string[]> {
  const { found, skipped, problems } = await findIn(text, file, OPTIONS);
  assert.deepEqual(problems, []);
  return [
    ...found.map(({ start, path, reference }) => ({ start, line: `${path}: ${reference.text}` })),
    ...skipped.map(({ start, path, reason, text: value }) => ({ start, line: `${path}: ${reason} ${value}` })),
  ]
    .sort((a, b) => a.start - b.start)
    .map(({ line }) => line);
}

/** Pins every place, and takes the digests out again. @returns the pinned text */
async function roundTrip(text: string, file = 'app.yaml'): Promise<string> {
  const { found } = await findIn(text, file, OPTIONS);
  const pinned = applyEdits(
    text,
    found.flatMap((item) => pinEdit(item, D) ?? []),
  );
  const again = await findIn(pinned, file, OPTIONS);
  assert.ok(
    again.found.every(({ reference }) => reference.digest === D),
    'each is found with its digest',
  );
  const back = applyEdits(
    pinned,
    again.found.flatMap((item) => unpinEdit(item) ?? []),
  );
  assert.equal(back, text, 'unpin gives every byte back');
  return pinned;
}

const flux = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
spec:
  path: ./apps
  images:
    - name: podinfo
      newName: ghcr.io/stefanprodan/podinfo
      newTag: 5.0.0
    - name: redis
      newName: mirror.example.com/redis
`;
test('P19: spec.images of a Flux Kustomization', async () => {
  assert.deepEqual(await lines(flux), [
    'spec.images[0].newName: ghcr.io/stefanprodan/podinfo:5.0.0',
    'spec.images[1].newName: incomplete mirror.example.com/redis',
  ]);
  assert.equal(await roundTrip(flux), flux.replace('newTag: 5.0.0\n', `newTag: 5.0.0\n      digest: ${D}\n`));
});

const release = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  postRenderers:
    - kustomize:
        images:
          - name: app
            newName: ghcr.io/org/app
            newTag: v1
  values:
    image:
      repository: ghcr.io/org/web
      tag: "1.2"
`;
test('P19: images of a HelmRelease that its post-renderer overrides, beside its values', async () => {
  assert.deepEqual(await lines(release), [
    'spec.postRenderers[0].kustomize.images[0].newName: ghcr.io/org/app:v1',
    'spec.values.image.repository: ghcr.io/org/web:1.2',
  ]);
  await roundTrip(release);
});

const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  source:
    kustomize:
      images:
        - app=ghcr.io/org/app:1.2
        - "ghcr.io/org/other:3"
        - renamed=mirror.example.com/app
    helm:
      parameters:
        - {name: image.tag, value: "1.2"}
        - {name: replicas, value: "2"}
  sources:
    - kustomize:
        images: [side=quay.io/org/side:7]
`;
test('P19: kustomize.images and image parameters of an Argo CD Application', async () => {
  assert.deepEqual(await lines(application), [
    'spec.source.kustomize.images[0]: ghcr.io/org/app:1.2',
    'spec.source.kustomize.images[1]: ghcr.io/org/other:3',
    'spec.source.kustomize.images[2]: incomplete mirror.example.com/app',
    'spec.source.helm.parameters[0].value: incomplete 1.2',
    'spec.sources[0].kustomize.images[0]: quay.io/org/side:7',
  ]);
  const pinned = await roundTrip(application);
  assert.match(pinned, new RegExp(`app=ghcr\\.io/org/app:1\\.2@${D}`));
});

test('P19: the template of an ApplicationSet', async () => {
  const set = `apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    spec:\n      source:\n        kustomize:\n          images: [app=ghcr.io/org/app:1, "x={{image}}"]\n`;
  assert.deepEqual(await lines(set), [
    'spec.template.spec.source.kustomize.images[0]: ghcr.io/org/app:1',
    'spec.template.spec.source.kustomize.images[1]: template {{image}}',
  ]);
});

const artifact = `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: podinfo}
spec:
  url: oci://ghcr.io/stefanprodan/charts/podinfo
  ref:
    tag: 5.1.0
`;
test('P32: an OCIRepository takes its digest below its tag', async () => {
  assert.deepEqual(await lines(artifact), ['spec.url: ghcr.io/stefanprodan/charts/podinfo:5.1.0']);
  assert.equal(await roundTrip(artifact), `${artifact}    digest: ${D}\n`);
  assert.deepEqual(await lines(artifact.replace('tag: 5.1.0', 'semver: ">=5"')), [
    'spec.url: incomplete ghcr.io/stefanprodan/charts/podinfo',
  ]);
  const flow = artifact.replace('ref:\n    tag: 5.1.0', 'ref: {tag: 5.1.0}');
  const { found } = await findIn(flow, 'app.yaml', OPTIONS);
  assert.match(found[0]?.slot.blocked ?? '', /write ref over several lines/);
});

test('P19: the overrides that Argo CD keeps beside the manifests', async () => {
  const text = 'kustomize:\n  images:\n  - app=ghcr.io/org/app:1.2\n';
  assert.deepEqual(await lines(text, 'apps/.argocd-source-web.yaml'), ['kustomize.images[0]: ghcr.io/org/app:1.2']);
  await roundTrip(text, 'apps/.argocd-source-web.yaml');
});

const patches: [name: string, patch: string][] = [
  [
    'a JSON patch in quotes',
    `'[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "ghcr.io/org/app:1"}]'`,
  ],
  [
    'a JSON patch in a block',
    '|-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: ghcr.io/org/app:1',
  ],
  [
    'a merge patch in a block',
    '|\n    apiVersion: v1\n    kind: Pod\n    spec: {containers: [{name: a, image: "ghcr.io/org/app:1"}]}',
  ],
];
for (const [name, patch] of patches)
  test(`P19: ${name}`, async () => {
    const text = `resources: [a.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: ${patch}\n`;
    const [line, ...more] = await lines(text, 'kustomization.yaml');
    assert.match(line ?? '', /ghcr\.io\/org\/app:1$/);
    assert.deepEqual(more, []);
    await roundTrip(text, 'kustomization.yaml');
  });
