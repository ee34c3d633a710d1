// Tags that are numbers to YAML (P4): a chart renders another text, and kustomize refuses them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIn } from './find.ts';

async function slotIn(text: string, file: string) {
  const { found } = await findIn(text, file, { fields: [], argsAndEnv: false });
  assert.equal(found.length, 1);
  return found[0]?.slot;
}

const numbers: [tag: string, helm: boolean, kustomize: boolean][] = [
  ['1.10', true, true],
  ['1.1', false, true],
  ['11', false, true],
  ['1e3', true, true],
  ['012', true, true],
  ['0x1A', true, true],
  ['1234567', true, true],
  ['1_000', true, true],
  ['"1.10"', false, false],
  ['1.10.0', false, false],
  ['v1', false, false],
  ['1.2-alpine', false, false],
];
for (const [tag, helm, kustomize] of numbers) {
  test(`P4: the tag ${tag} in a chart's values is ${helm ? 'to be quoted' : 'pinned'}`, async () => {
    const slot = await slotIn(`image:\n  repository: ghcr.io/org/app\n  tag: ${tag}\n`, 'values.yaml');
    assert.equal(slot?.blocked !== undefined, helm, slot?.blocked);
    if (helm) assert.match(slot?.blocked ?? '', /write it in quotes/);
  });
  test(`P4: newTag: ${tag} is ${kustomize ? 'to be quoted' : 'pinned'}`, async () => {
    const slot = await slotIn(`images:\n- name: app\n  newTag: ${tag}\n`, 'kustomization.yaml');
    assert.equal(slot?.blocked !== undefined, kustomize, slot?.blocked);
  });
}
