// No edit is written that was not proved: each way in which an edit can be wrong is refused, and costs its own file only.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository, podWith } from '../../../test/run-cli.ts';
import type { Found } from '../../flow.ts';
import { pinEdit } from '../../source/edit.ts';
import { findIn } from '../../source/find.ts';
import { readOne } from '../../source/read.ts';
import { applyProved, planRewrite } from './rewrite.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;
const OPTIONS = { fields: [], argsAndEnv: false };
const TEXT = podWith('nginx:1', 'redis:7');

async function planOf(text: string, change: (found: Found) => Found = (found) => found) {
  const result = await findIn(text, 'a.yaml', OPTIONS);
  const changes = result.found.map((found) => {
    const wrong = change(found);
    const edit = pinEdit(wrong, DIGEST);
    assert.ok(edit);
    return { found: wrong, edit, digest: DIGEST };
  });
  return { result, changes };
}

test('a right edit is applied', async () => {
  assert.equal(await applyProved(TEXT, await planOf(TEXT), OPTIONS), podWith(`nginx:1@${DIGEST}`, `redis:7@${DIGEST}`));
});

const moved = (by: number) => (found: Found) => {
  const { pin } = found.slot;
  assert.ok(pin);
  return { ...found, slot: { ...found.slot, pin: { ...pin, at: pin.at + by } } };
};
const wrong: [name: string, change: (found: Found) => Found, reason: RegExp][] = [
  ['a digest before the last letter of the tag', moved(-1), /would become|could not be/],
  ['a digest on the next line', moved(1), /would become|could not be|would change|no digest/],
  ['a place that the text does not have', (found) => ({ ...found, path: 'spec.nothing' }), /was not found again/],
  [
    'a digest that becomes a part of the tag',
    (found) => ({ ...found, slot: { pin: { at: found.end, before: '-', after: '' } } }),
    /would become|could not be|no digest/,
  ],
];
for (const [name, change, reason] of wrong)
  test(`P1: refused: ${name}`, async () => {
    await assert.rejects(applyProved(TEXT, await planOf(TEXT, change), OPTIONS), (error: { message: string }) => {
      assert.match(error.message, reason);
      return true;
    });
  });

test('a file whose edits cannot be proved is left as it is, and named; the others are planned', async () => {
  const folder = makeRepository({ 'good.yaml': TEXT, 'bad.yaml': TEXT });
  const from = process.cwd();
  process.chdir(folder);
  try {
    const planned = await Promise.all(
      ['good.yaml', 'bad.yaml'].map(async (file) => {
        const result = await readOne(file, folder, OPTIONS);
        assert.ok(result);
        const { changes } = await planOf(TEXT, file === 'bad.yaml' ? moved(-1) : undefined);
        return { result, changes };
      }),
    );
    const { changes, refused, stopped } = await planRewrite(planned, {
      wantsDiff: false,
      options: OPTIONS,
      top: folder,
    });
    assert.deepEqual(
      changes.map(({ file }) => file),
      ['good.yaml'],
    );
    assert.deepEqual(
      refused.map(({ where }) => where.file),
      ['bad.yaml'],
    );
    assert.deepEqual(stopped, []);
    writeFileSync(join(folder, 'good.yaml'), `${TEXT}# edited by somebody else\n`);
    const later = await planRewrite(planned.slice(0, 1), { wantsDiff: false, options: OPTIONS, top: folder });
    assert.deepEqual(
      later.stopped.map(({ code }) => code),
      ['changed'],
    );
    assert.equal(readFileSync(join(folder, 'bad.yaml'), 'utf8'), TEXT);
  } finally {
    process.chdir(from);
  }
});
