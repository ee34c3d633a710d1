// P36: many findings about few images are shown by image, in text, Markdown and GitHub's annotations; the exit code counts all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { condense, countFindings } from './counts.ts';
import { PRINTERS } from './formats.ts';
import { exceedsAnnotations } from './github.ts';
import { groupFindings } from './group.ts';
import { nextStep } from './next-step.ts';
import { exitCode, type Finding, type Format, type Report } from './report.ts';

const at = (image: string, line: number, more: Partial<Finding> = {}): Finding => ({
  rule: 'unpinned',
  level: 'error',
  message: 'not pinned',
  file: 'a.yaml',
  line,
  column: 3,
  image,
  ...more,
});
const reportOf = (findings: Finding[]): Report => ({
  command: 'check',
  sections: [],
  findings,
  problems: [],
  summary: ['failed'],
  data: {},
});
async function print(format: Format, report: Report): Promise<string> {
  const colour = { report: false, problems: false };
  const settings = { version: () => '1', pathInRepository: (file: string) => file, colour };
  const printed = await (await PRINTERS[format]())(report, settings);
  return typeof printed === 'string' ? printed : printed.report;
}
const many = [...Array.from({ length: 31 }, (_, i) => at('nginx:1', i + 1)), at('redis:7', 50)];

test('P36: text lists what is at one place by file, and what is at many once, with ten places and the count of the rest', async () => {
  const text = await print('text', reportOf(many));
  const ten = Array.from({ length: 10 }, (_, i) => `  a.yaml:${i + 1}\n`).join('');
  assert.equal(
    text,
    `a.yaml\n  50:3  error  redis:7: not pinned  unpinned\n\nnginx:1: not pinned\n  error, 31 places, unpinned\n${ten}  and 21 more places\n\nfailed\n`,
  );
});

test('P36: Markdown has one row for an image and rule', async () => {
  const text = await print('markdown', reportOf(many));
  assert.equal(text.match(/\| unpinned \|/g)?.length, 2);
  assert.match(text, /\| a\.yaml:1, a\.yaml:2, .*a\.yaml:10 and 21 more places \| error \| nginx:1 \| not pinned \|/);
});

test('P36: GitHub gets one annotation an image and rule, the most frequent first, after problems', async () => {
  const problems = [new Problem('unreachable', 'no answer', { file: 'x.yaml' })];
  const lines = (await print('github', { ...reportOf(many.toReversed()), problems })).split('\n');
  assert.match(lines[0] as string, /^::error file=x\.yaml::no answer$/);
  assert.match(
    lines[1] as string,
    /^::error file=a\.yaml,line=31,.*::nginx:1: not pinned \(also a\.yaml:30, .* and 20 more places\)$/,
  );
  assert.match(lines[2] as string, /line=50,.*::redis:7: not pinned$/);
  assert.equal(lines[3], 'failed');
});

test('P36: SARIF and JUnit keep a result for each place, JSON keeps the list', async () => {
  const results = JSON.parse(await print('sarif', reportOf(many))).runs[0].results as { message: { text: string } }[];
  assert.equal(results.length, 32);
  assert.equal(new Set(results.map(({ message }) => message.text)).size, 2, 'one message for one image');
  assert.equal((await print('junit', reportOf(many))).match(/<testcase /g)?.length, 32);
  assert.equal(JSON.parse(await print('json', reportOf(many))).findings.length, 32);
});

test('P36: ten annotations of a kind fit; levels count apart, problems are errors', () => {
  const findings = (count: number, level: Finding['level']) =>
    Array.from({ length: count }, (_, i) => at(`x:${level}${i}`, 1, { level }));
  const problem = new Problem('unreachable', 'no answer');
  assert.equal(exceedsAnnotations(reportOf([...findings(10, 'error'), ...findings(10, 'warning')])), false);
  assert.equal(exceedsAnnotations(reportOf(findings(11, 'note'))), true);
  assert.equal(exceedsAnnotations({ ...reportOf(findings(10, 'error')), problems: [problem] }), true);
  assert.equal(exceedsAnnotations(reportOf(many)), false, 'groups count, not places');
});

test('P36: --summary counts by rule and by image, lists nothing, and leaves the exit code', async () => {
  const report = condense(
    reportOf([...many, at('redis:7', 51, { file: 'b.yaml', level: 'note', rule: 'two-digests' })]),
  );
  assert.equal(
    await print('text', report),
    'findings  files  level  rule\n32        1      error  unpinned\n1         1      note   two-digests\n\nfindings  files  image\n31        1      nginx:1\n2         2      redis:7\n\nfailed\n',
  );
  assert.equal(exitCode(report), 1);
  const json = JSON.parse(await print('json', report));
  assert.ok(!('findings' in json));
  assert.deepEqual(json.counts.byImage[1], { image: 'redis:7', findings: 2, files: 2 });
  assert.deepEqual(condense(reportOf([])).sections, []);
});

const findings = fc.array(
  fc.record({
    rule: fc.constantFrom('unpinned' as const, 'tag-moved' as const),
    level: fc.constantFrom('error' as const, 'note' as const),
    message: fc.constantFrom('a', 'b'),
    image: fc.constantFrom('x', 'y'),
    file: fc.constantFrom('f', 'g'),
  }),
);

test('P36: property: each finding is in exactly one group, with others of the same rule, level, image and message; counts add up', () => {
  fc.assert(
    fc.property(findings, (list) => {
      const groups = groupFindings(list);
      assert.deepEqual(new Set(groups.flatMap(({ places }) => places)), new Set(list));
      assert.equal(
        groups.reduce((sum, { places }) => sum + places.length, 0),
        list.length,
      );
      const keys = groups.map(({ places }) => [...new Set(places.map(({ file: _, ...rest }) => JSON.stringify(rest)))]);
      assert.ok(keys.every((own) => own.length === 1));
      assert.equal(new Set(keys.flat()).size, groups.length);
      const { byRule, byImage } = countFindings(list);
      for (const rows of [byRule, byImage])
        assert.equal(
          rows.reduce((sum, { findings: count }) => sum + count, 0),
          list.length,
        );
    }),
  );
});

test('P36: the next step is one command, chosen by what fails; notes count only where nothing fails', () => {
  const step = (...rules: [Finding['rule'], Finding['level']][]) =>
    nextStep(rules.map(([rule, level]) => at('x', 1, { rule, level })));
  assert.deepEqual(step(['tag-moved', 'warning'], ['unpinned', 'error']), ['next step: run tagproof pin']);
  assert.deepEqual(step(['tag-moved', 'warning'], ['lock-behind', 'note']), ['next step: run tagproof pin --update']);
  assert.deepEqual(step(['lock-stale', 'note']), ['next step: run tagproof pin']);
  assert.deepEqual(step(['not-pinnable', 'error']), []);
  assert.deepEqual(step(), []);
});
