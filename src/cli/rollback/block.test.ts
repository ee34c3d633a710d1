// What is added to the blocklist of a policy file. Every other byte stays.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commitFiles } from '../../commit/commit.ts';
import { blockChange } from './block.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-never-'));
after(() => rmSync(folder, { recursive: true }));
const home = process.cwd();
process.chdir(folder);
after(() => process.chdir(home));
const [A, B] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
const line = (digest: string, indent = '  ') => `${indent}- {"digest":"${digest}","reason":"bad"}\n`;

test('blocked: a list that is there grows, one that is not begins; comments and the rest stay', () => {
  const cases: [name: string, before: string | undefined, after: string | RegExp][] = [
    ['no file', undefined, `blocked:\n${line(A)}`],
    ['no list', 'platforms: [linux/amd64]', `platforms: [linux/amd64]\nblocked:\n${line(A)}`],
    [
      'a list in the middle',
      `blocked:   # by ann\n    - digest: ${B}\n      reason: worse   # much\n\n# and then\nplatforms: []\n`,
      `blocked:   # by ann\n    - digest: ${B}\n      reason: worse   # much\n${line(A, '    ')}\n# and then\nplatforms: []\n`,
    ],
    [
      'at the margin',
      `blocked:\n- {digest: "${B}", reason: x}\n`,
      `blocked:\n- {digest: "${B}", reason: x}\n${line(A, '')}`,
    ],
    ['there already', `blocked:\n${line(A)}`, `blocked:\n${line(A)}`],
    ['an empty flow list (K6)', 'blocked: []\nplatforms: []\n', `blocked:\n${line(A)}platforms: []\n`],
    ['an empty flow list with a comment', 'blocked: [ ]  # none', `blocked: # none\n${line(A)}`],
    ['a flow list (K6)', `blocked: [{digest: "${B}", reason: x}]\n`, /by hand|form that cannot be added to/],
    ['a flow list over lines', `blocked: [\n  {digest: "${B}", reason: x}]\n`, /by hand|form that cannot be added to/],
    ['no YAML', 'blocked: [', /Flow sequence/],
  ];
  for (const [name, before, expected] of cases) {
    const file = `${name.replaceAll(' ', '-')}.yaml`;
    if (before !== undefined) writeFileSync(file, before);
    const { problems } = commitFiles([blockChange(file, process.cwd(), [{ digest: A, reason: 'bad' }])]);
    if (typeof expected === 'string') {
      assert.deepEqual(problems, [], name);
      assert.equal(readFileSync(file, 'utf8'), expected, name);
    } else {
      assert.match(problems.join(), expected, name);
      assert.equal(readFileSync(file, 'utf8'), before, 'and nothing was changed');
    }
  }
});
