// P1, S1-3: what the fuzzer grows and damages is pinned right, or refused, and given back; a bounded number of cases. `npm run fuzz` for more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { draftFile } from './ci-files.ts';
import { examine, type Outcome } from './examine.ts';
import { makeCase } from './generate.ts';
import { Random } from './random.ts';
import { kindOf, shrink } from './shrink.ts';

const SEED = 1;
const CASES = 1000;
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'tagproof-fuzz-'));
process.chdir(folder);
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

test(`P1: ${CASES} files of all kinds, most of them damaged: each edit is right or refused, each byte comes back`, async () => {
  const states: Record<Outcome['state'], number> = { pinned: 0, nothing: 0, refused: 0, unreadable: 0 };
  for (let index = 0; index < CASES; index++) {
    const fuzzCase = makeCase(SEED, index);
    try {
      states[(await examine(fuzzCase)).state]++;
    } catch (error) {
      const { file, bytes } = await shrink(fuzzCase, kindOf(error));
      const shown = JSON.stringify(bytes.toString());
      assert.fail(`seed ${SEED}, case ${index}: ${(error as Error).message}\n${file}: ${shown}`);
    }
  }
  assert.ok(states.pinned > CASES / 3, `only ${states.pinned} files were pinned`);
  assert.ok(states.refused < CASES / 100, `${states.refused} files were refused`);
});

test('the same seed and number give the same case; other ones do not', () => {
  assert.deepEqual(makeCase(7, 3), makeCase(7, 3));
  const cases = Array.from({ length: 200 }, (_, index) => makeCase(7, index).bytes.toString());
  assert.ok(new Set(cases).size > 195);
});

test('what the generator prints is YAML in many styles, and an independent reader takes it', () => {
  const seen = new Map(
    [/: \|/, /: >/, /: '/, /: "/, /\\x/, /&/, /\*[ax]/, /!!str/, /\{/, /\? /, /%YAML/, /^\.\.\./m, /\|[-+]?\d/].map(
      (style) => [style, 0],
    ),
  );
  for (let index = 0; index < 400; index++) {
    const { file, text } = draftFile(new Random(11, index));
    for (const [style, count] of seen) if (style.test(text)) seen.set(style, count + 1);
    if (!/\.ya?ml$/i.test(file) || file.startsWith('templates')) continue;
    const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' });
    const errors = Array.isArray(documents) ? documents.flatMap((document) => document.errors) : [];
    assert.deepEqual(
      errors.map(({ message }) => message),
      [],
      text,
    );
  }
  for (const [style, count] of seen) assert.ok(count > 2, `${style} in ${count} files only`);
});
