// P33: a custom pattern of Renovate that a digest would blind, or that would read it as the version, is named beside the line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host, repository } from '../../../test/cli-registry.ts';
import { podWith, runTagproof } from '../../../test/run-cli.ts';
import { effectOf } from './pattern-effect.ts';

const IMAGE = '@sha256:0123';
const at = (before: string) => ({ start: before.indexOf('|'), end: before.indexOf('|'), text: IMAGE });
const EFFECTS: [name: string, pattern: string, marked: string, effects: string[]][] = [
  ['ends behind the tag: nothing changes', 'image: (?<depName>\\S+?):(?<currentValue>[\\w.-]+)', 'image: a:1|\n', []],
  ['wants the end of the line', 'image: a:(?<currentValue>[\\w.-]+)$', 'image: a:1|\n', ['blind']],
  ['finds its end in the digest', 'image: (?<depName>\\S+?):(?<currentValue>[\\w.-]+)$', 'image: a:1|\n', ['misread']],
  ['takes all up to white space', 'image: (?<depName>\\S+?):(?<currentValue>\\S+)', 'image: a:1|\n', ['misread']],
  [
    'knows digests',
    'image: (?<depName>\\S+?):(?<currentValue>[^@\\s]+)(@(?<currentDigest>sha256:[a-f0-9]+))?$',
    'image: a:1|\n',
    [],
  ],
  ['finds another line', 'x: (?<currentValue>\\S+)', 'image: a:1|\nx: 2\n', []],
  ['is no pattern', '(', 'image: a:1|\n', []],
  ['never ends', '^(([a-z]|1|:| )+)+$', `image: ${'a'.repeat(40)}:1|!\n`, []],
];
for (const [name, pattern, marked, effects] of EFFECTS)
  test(`P33: a pattern that ${name}`, () => {
    const edit = at(marked);
    const [before, after] = [marked.replace('|', ''), marked.replace('|', IMAGE)];
    assert.deepEqual(
      effectOf(pattern, before, after, [edit]).map(({ effect }) => effect),
      effects,
    );
  });

test('P33: the second of two places is judged where it is after the first edit', () => {
  const before = 'image: a:1\nimage: b:2\n';
  const edits = [10, 21].map((start) => ({ start, end: start, text: IMAGE }));
  const after = `image: a:1${IMAGE}\nimage: b:2${IMAGE}\n`;
  const wide = effectOf('image: (?<depName>\\S+?):(?<currentValue>\\S+)', before, after, edits);
  assert.deepEqual(
    wide.map(({ edit }) => edit),
    edits,
  );
  assert.deepEqual(effectOf('image: (?<depName>\\S+?):(?<currentValue>\\w+)', before, after, edits), []);
});

test('P33: pin names the file and the pattern, in a preset and in JSON5 too, and its exit code stays', async () => {
  const folder = repository({
    'deploy/a.yaml': podWith('HOST/web:1', 'HOST/db:2'),
    'other/b.yaml': podWith('HOST/web:1'),
    '.github/renovate.json5': `// ours\n{extends: ['local>org/repo//.renovate/custom.json5'], customManagers: [
      {customType: 'regex', managerFilePatterns: ['/^deploy/.+\\\\.yaml$/'], matchStrings: ['image: \\\\S+?/web:(?<currentValue>\\\\S+)']},
    ]}`,
    '.renovate/custom.json5': JSON.stringify({
      regexManagers: [{ fileMatch: ['^deploy/'], matchStrings: ['image: \\S+/db:(?<currentValue>\\d+)$'] }],
    }),
  });
  const { code, stdout } = await runTagproof(folder, ['pin', '-o', 'json']);
  assert.equal(code, 0);
  const said = JSON.parse(stdout).findings as { rule: string; line: number; file: string; message: string }[];
  assert.deepEqual(
    said.map(({ rule, file, line }) => `${rule} ${file}:${line}`),
    ['custom-pattern deploy/a.yaml:6', 'custom-pattern deploy/a.yaml:7'],
  );
  assert.match(
    said[0]?.message ?? '',
    /\.github\/renovate\.json5 customManagers\[0\]\.matchStrings\[0\] reads another version here/,
  );
  assert.match(
    said[1]?.message ?? '',
    /\.renovate\/custom\.json5 regexManagers\[0\]\.matchStrings\[0\] no longer finds this line/,
  );
  assert.equal(JSON.parse((await runTagproof(folder, ['pin', '-o', 'json'])).stdout).findings.length, 0);
  assert.ok(host !== '');
});
