import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Edit } from '../flow.ts';
import { unifiedDiff } from './diff.ts';
import { applyEdits } from './edit.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-diff-'));
after(() => rmSync(folder, { recursive: true }));

/** git is the oracle: what it makes of the diff must be what the edits make of the text. */
function applyWithGit(text: string, edits: Edit[]): string {
  writeFileSync(join(folder, 'x.yaml'), text);
  execFileSync('git', ['apply', '--unsafe-paths', `--directory=${folder}`, '-'], {
    input: unifiedDiff('x.yaml', text, edits),
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return readFileSync(join(folder, 'x.yaml'), 'utf8');
}

const text = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join('');
const at = (line: number) => text.indexOf(`line ${line}\n`);

const cases: [name: string, text: string, edits: Edit[]][] = [
  ['one line', text, [{ start: at(5) + 6, end: at(5) + 6, text: '@x' }]],
  [
    'first and last line',
    text,
    [
      { start: 0, end: 0, text: 'x' },
      { start: text.length - 1, end: text.length - 1, text: 'y' },
    ],
  ],
  ['an inserted line', text, [{ start: at(5), end: at(5), text: 'new\n' }]],
  ['a removed line', text, [{ start: at(5), end: at(6), text: '' }]],
  ['near and far', text, [1, 3, 12, 28].map((line) => ({ start: at(line) + 4, end: at(line) + 5, text: '_' }))],
  ['no final newline', 'a\nb', [{ start: 3, end: 3, text: '\nc' }]],
  ['CRLF', 'a\r\nb\r\nc\r\n', [{ start: 4, end: 4, text: '!' }]],
];
for (const [name, before, edits] of cases) {
  test(`diff: ${name}`, () => assert.equal(applyWithGit(before, edits), applyEdits(before, edits)));
}

test('no edits, no diff', () => assert.equal(unifiedDiff('x', 'a\n', []), ''));

test('property: git apply makes of the diff what the edits make of the text', () => {
  const edit = fc.tuple(fc.nat(29), fc.constantFrom('insert', 'remove', 'append'));
  fc.assert(
    fc.property(fc.uniqueArray(edit, { selector: ([line]) => line, minLength: 1, maxLength: 6 }), (picks) => {
      const edits = picks.map(([line, kind]): Edit => {
        const end = at(line) + `line ${line}\n`.length;
        if (kind === 'insert') return { start: at(line), end: at(line), text: 'new\n' };
        return kind === 'remove'
          ? { start: at(line), end, text: '' }
          : { start: end - 1, end: end - 1, text: '@sha256:x' };
      });
      assert.equal(applyWithGit(text, edits), applyEdits(text, edits));
    }),
    { numRuns: 60 },
  );
});
