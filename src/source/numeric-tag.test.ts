// Tags that are numbers to YAML (P4): a chart renders another text, and kustomize refuses them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIn } from './find.ts';

async function slotIn(text: string, file: string) {
  const { found } = await findIn(text, file, { fields: [], argsAndEnv: false });
  assert.equal(found.length, 1);
  return found[0]?.slot;
}

const numbers: [tag: string, helm: string | undefined, kustomize: boolean][] = [
  ['1.10', '1.1', true],
  ['1.1', undefined, true],
  ['11', undefined, true],
  ['1e3', '1000', true],
  ['012', '10', true],
  ['0x1A', '26', true],
  ['999999', undefined, true],
  ['1234567', '1.234567e+06', true],
  ['20240101', '2.0240101e+07', true],
  ['1_000', '1000', true],
  ['0.00001', '1e-05', true],
  ['"1.10"', undefined, false],
  ['1.10.0', undefined, false],
  ['v1', undefined, false],
  ['1.2-alpine', undefined, false],
];
for (const [tag, helm, kustomize] of numbers) {
  test(`P4: the tag ${tag} in a chart's values is ${helm === undefined ? 'pinned' : 'to be quoted'}`, async () => {
    const slot = await slotIn(`image:\n  repository: ghcr.io/org/app\n  tag: ${tag}\n`, 'values.yaml');
    const why = helm && `the tag ${tag} is a number to YAML, and a chart renders ${helm}: write it in quotes`;
    assert.equal(slot?.blocked, why);
  });
  test(`P4: newTag: ${tag} is ${kustomize ? 'to be quoted' : 'pinned'}`, async () => {
    const slot = await slotIn(`images:\n- name: app\n  newTag: ${tag}\n`, 'kustomization.yaml');
    assert.equal(slot?.blocked !== undefined, kustomize, slot?.blocked);
  });
}
