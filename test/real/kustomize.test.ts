// Real kustomize renders what tagproof pinned: a `digest:` line beside `newTag:` gives name:tag@digest in the output.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyEdits, pinEdit, unpinEdit } from '../../src/source/edit.ts';
import { findIn } from '../../src/source/find.ts';
import { command, scratch, suite } from './suite.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const POD =
  'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: app}, {name: b, image: sidecar}]}\n';

suite('kustomize: images with newTag and digest', ['kustomize'], () => {
  const folder = scratch();
  const forms = [
    'images:\n- name: app\n  newName: ghcr.io/x/app\n  newTag: v1\n- newTag: v2 # comment\n  name: sidecar\n',
    'images: [{name: app, newName: ghcr.io/x/app, newTag: v1}, {name: sidecar, newTag: v2}]\n',
    'images:\n- name: app\n  newName: ghcr.io/x/app\n  newTag: v1\n  digest: ""\n- name: sidecar\n  newTag: v2',
  ];
  for (const form of forms) {
    test(`rendered: ${JSON.stringify(form.slice(0, 40))}`, async () => {
      const before = `resources: [pod.yaml]\n${form}`;
      const { found } = await findIn(before, 'kustomization.yaml', { fields: [], argsAndEnv: false });
      const pinned = applyEdits(
        before,
        found.map((item) => pinEdit(item, DIGEST)).filter((edit) => edit !== undefined),
      );
      writeFileSync(join(folder, 'pod.yaml'), POD);
      writeFileSync(join(folder, 'kustomization.yaml'), pinned);
      const rendered = await command('kustomize', ['build', folder]);
      assert.match(rendered, new RegExp(`image: ghcr\\.io/x/app:v1@${DIGEST}`));
      assert.match(rendered, new RegExp(`image: sidecar:v2@${DIGEST}`));
      const back = (await findIn(pinned, 'kustomization.yaml', { fields: [], argsAndEnv: false })).found.map(unpinEdit);
      assert.equal(
        applyEdits(
          pinned,
          back.filter((edit) => edit !== undefined),
        ),
        before,
      );
    });
  }
});
