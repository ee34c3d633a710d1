import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import { FORMATS, PRINTERS } from './formats.ts';
import { exitCode, type Finding, type Format, type Report, unreportedFindings } from './report.ts';
import { RULES } from './rules.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const SETTINGS = {
  version: () => '1.2.3',
  pathInRepository: (file: string) => file,
  colour: { report: false, problems: false },
};
const finding: Finding = {
  rule: 'unpinned',
  level: 'error',
  message: `would be ${DIGEST}`,
  file: 'a,b:c/web 1.yaml',
  line: 3,
  column: 9,
  endColumn: 16,
  image: 'nginx:1',
};
const note: Finding = { rule: 'tag-moved', level: 'note', message: 'moved | *twice*' };
const problem = new Problem('unreachable', 'no answer\nin 30 s', { file: 'x.yaml', line: 1, image: 'redis:7' });
const base: Report = { command: 'check', sections: [], findings: [], problems: [], summary: [], data: {} };
const full: Report = {
  ...base,
  findings: [finding, note],
  problems: [problem],
  summary: ['2 of 3 images are pinned', 'run tagproof pin'],
  data: { counts: { pinned: 2 } },
};

async function print(format: Format, report: Report, colour = false): Promise<string> {
  const printed = await (await PRINTERS[format]())(report, {
    ...SETTINGS,
    colour: { report: colour, problems: colour },
  });
  return typeof printed === 'string' ? printed : `${printed.report}---\n${printed.problems}`;
}

test('the formats, in the order of the help text', () =>
  assert.deepEqual(FORMATS, ['text', 'json', 'sarif', 'github', 'markdown', 'junit']));

test('every format prints every finding, every problem and the conclusion, or the facts behind it', async () => {
  for (const format of FORMATS) {
    const printed = await print(format, full);
    for (const part of ['nginx:1', 'redis:7', 'no answer']) assert.ok(printed.includes(part), `${format}: ${part}`);
    if (format !== 'sarif') assert.ok(printed.includes('2 of 3 images are pinned'), format);
    assert.ok(printed.endsWith('\n'), format);
  }
});

test('every format prints an empty report', async () => {
  for (const format of FORMATS) await print(format, base);
});

const codes: [name: string, report: Partial<Report>, code: number][] = [
  ['nothing', {}, 0],
  ['notes only', { findings: [note] }, 0],
  ['a warning', { findings: [{ ...finding, level: 'warning' }] }, 1],
  ['an error', { findings: [note, finding] }, 1],
  ['a problem', { problems: [problem] }, 2],
  ['a problem beside a finding', { findings: [finding], problems: [problem] }, 2],
];
for (const [name, report, code] of codes)
  test(`exit code ${code}: ${name}`, () => assert.equal(exitCode({ ...base, ...report }), code));

test('findings are listed once: not again below sections that show them, nor below a diff that shows the change', () => {
  const change: Finding = { ...finding, rule: 'would-change' };
  const report = { ...base, findings: [finding, change] };
  assert.deepEqual(unreportedFindings(report), [finding, change]);
  assert.deepEqual(unreportedFindings({ ...report, diff: '--- a' }), [finding]);
  assert.deepEqual(unreportedFindings({ ...report, listing: 'sections' }), []);
});

test('json: the command, its own results, and the exit code', async () => {
  const json = JSON.parse(await print('json', { ...full, diff: '--- a/x' }));
  assert.deepEqual(Object.keys(json), ['command', 'counts', 'findings', 'problems', 'summary', 'diff', 'exitCode']);
  assert.equal(json.exitCode, 2);
  assert.deepEqual(json.problems[0], {
    code: 'unreachable',
    message: 'no answer\nin 30 s',
    file: 'x.yaml',
    line: 1,
    image: 'redis:7',
  });
  assert.ok(!('diff' in JSON.parse(await print('json', full))));
});

test('github: one command a line, properties and message escaped as the runner unescapes them', async () => {
  const lines = (await print('github', { ...full, findings: [{ ...finding, message: '50% of\r\nit' }, note] })).split(
    '\n',
  );
  assert.equal(lines[0], '::error file=x.yaml,line=1::redis:7: no answer%0Ain 30 s');
  assert.equal(
    lines[1],
    '::error file=a%2Cb%3Ac/web 1.yaml,line=3,col=9,endColumn=16,title=Image is not pinned to a digest::nginx:1: 50%25 of%0D%0Ait',
  );
  assert.match(lines[2] as string, /^::notice title=[^:]+::moved/);
  assert.deepEqual(lines.slice(3), ['2 of 3 images are pinned', 'run tagproof pin', '']);
});

test('sarif: results name rules of the driver, places are URIs, a problem makes the run unsuccessful', async () => {
  const { runs } = JSON.parse(await print('sarif', full));
  const [run] = runs;
  assert.equal(run.tool.driver.version, '1.2.3');
  assert.deepEqual(
    run.tool.driver.rules.map((rule: { id: string }) => rule.id),
    Object.keys(RULES),
  );
  for (const result of run.results) assert.equal(run.tool.driver.rules[result.ruleIndex].id, result.ruleId);
  const [{ physicalLocation }] = run.results[0].locations;
  assert.equal(physicalLocation.artifactLocation.uri, 'a%2Cb%3Ac/web%201.yaml');
  assert.deepEqual(physicalLocation.region, { startLine: 3, startColumn: 9, endColumn: 16 });
  assert.equal(run.results[1].locations.length, 0);
  assert.equal(run.invocations[0].executionSuccessful, false);
  assert.equal(run.invocations[0].toolExecutionNotifications[0].descriptor.id, 'unreachable');
  const fine = JSON.parse(await print('sarif', base)).runs[0];
  assert.equal(fine.invocations[0].executionSuccessful, true);
});

test('sarif: the fingerprint of a finding does not change when its line moves', async () => {
  const fingerprint = async (item: Finding) =>
    JSON.parse(await print('sarif', { ...base, findings: [item] })).runs[0].results[0].partialFingerprints[
      'tagproof/v1'
    ];
  assert.equal(await fingerprint(finding), await fingerprint({ ...finding, line: 99 }));
  assert.notEqual(await fingerprint(finding), await fingerprint({ ...finding, image: 'nginx:2' }));
});

test('markdown: tables with as many cells as heads, and no markup out of a message', async () => {
  const report = {
    ...full,
    sections: [{ title: 't', head: ['a'], rows: [['1', { text: '2', style: 'good' as const }]] }],
  };
  const text = await print('markdown', { ...report, diff: '-a\n+b\n' });
  assert.ok(
    text.startsWith(
      '### tagproof check\n\n**2 of 3 images are pinned**\n\n#### `t`\n\n| a |  |\n| --- | --- |\n| 1 | 2 |\n',
    ),
  );
  assert.ok(text.includes('moved \\| \\*twice\\*'));
  assert.ok(text.includes('| a,b:c/web 1.yaml:3 | error | nginx:1 |'));
  assert.ok(text.includes('````diff\n-a\n+b\n````'));
  assert.ok(text.includes('- x.yaml:1: redis:7: no answer in 30 s'));
});

test('text: findings by file, digests short, problems apart', async () => {
  assert.equal(
    await print('text', full),
    `a,b:c/web 1.yaml
  3:9  error  nginx:1: would be sha256:aaaaaaaaaaaa…  unpinned

note  moved | *twice*  tag-moved

2 of 3 images are pinned
run tagproof pin
---
error: x.yaml:1: redis:7: no answer
in 30 s
`,
  );
});

test('text: columns align, and neither colour nor an escape sequence of a registry moves them', async () => {
  const rows = [
    ['short', { text: '\x1b[31mred\x1b[0m', style: 'bad' as const }, 'x'],
    ['much longer', 'tab\there', 'y'],
  ];
  const text = await print('text', { ...base, sections: [{ head: ['name', 'what', ''], rows }] });
  assert.equal(text, 'name         what\nshort        red       x\nmuch longer  tab here  y\n---\n');
  const coloured = await print('text', { ...base, sections: [{ head: [], rows }] }, true);
  assert.ok(coloured.includes('\x1b[31mred'), 'the colour is ours');
  assert.equal(coloured.split('\x1b[31m').length, 2, 'the escape sequence of the text is gone');
});

test('text: a diff has its colours by the first character of the line', async () => {
  const text = await print('text', { ...base, diff: '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c\n' }, true);
  const [head, , range, removed, added, context] = text.split('\n');
  assert.match(head as string, /^\x1b\[1m/);
  assert.match(range as string, /^\x1b\[2m/);
  assert.match(removed as string, /^\x1b\[31m-a/);
  assert.match(added as string, /^\x1b\[32m\+b/);
  assert.equal(context, ' c');
});
