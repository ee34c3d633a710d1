// npm test [-- FILES]: every test that this machine can run, each file in a process group with a
// limit. Prints a line a file, and at the end what failed, what was skipped and why, and the sums.
import { globSync } from 'node:fs';
import { endGroupsOnSignal } from './runner/process-group.ts';
import { type FileReport, runFile } from './runner/test-file.ts';

const PARALLEL = 2;
/** Limit of a test or suite that sets none of its own, milliseconds. */
const TEST_MS = 300_000;
/** Limit of a file; the longest suite against real programs may take 400 s. */
const FILE_MS = 600_000;

const say = (line = '') => void process.stdout.write(`${line}\n`);
const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync(['{src,schema,chart,test}/**/*.test.ts']).sort();
const started = performance.now();
const reports: FileReport[] = [];

endGroupsOnSignal();
const queue = [...files];
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const report = await runFile(file, TEST_MS, FILE_MS);
      reports.push(report);
      sayProgress(report);
    }
  }),
);
reports.sort((a, b) => a.file.localeCompare(b.file));
sayFailures();
saySkipped();
saySums();
process.exitCode = reports.every(isGreen) ? 0 : 1;

function isGreen({ failed, problem }: FileReport): boolean {
  return failed.length === 0 && problem === undefined;
}

function sayProgress(report: FileReport): void {
  const { file, ms, passed, failed, skipped, problem, leftovers, output } = report;
  const counts = [
    `${passed} passed`,
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
    ...(problem !== undefined ? [problem] : []),
    ...(leftovers ? ['left processes running, killed'] : []),
  ];
  const mark = isGreen(report) ? '✔' : '✖';
  say(`[${reports.length}/${files.length}] ${mark} ${file} (${(ms / 1000).toFixed(1)} s): ${counts.join(', ')}`);
  if (!isGreen(report)) say(output.trimEnd().replaceAll(/^/gm, '    '));
}

function sayFailures(): void {
  const red = reports.filter((report) => !isGreen(report));
  if (red.length === 0) return;
  say('\nFailed:');
  for (const { file, failed, problem } of red) {
    say(`  ${file}${problem === undefined ? '' : `: ${problem}`}`);
    for (const name of failed) say(`    ✖ ${name}`);
  }
}

function saySkipped(): void {
  const skipped = reports.flatMap(({ file, skipped }) =>
    skipped.map(({ name, reason }) => `  ${file}: ${name} (${reason})`),
  );
  say(skipped.length === 0 ? '\nNo test was skipped.' : `\nSkipped:\n${skipped.join('\n')}`);
}

/** In node:test's own form, which CI systems read. */
function saySums(): void {
  const sum = (count: (report: FileReport) => number) => reports.reduce((total, report) => total + count(report), 0);
  const passed = sum((report) => report.passed);
  const failed = sum((report) => Math.max(report.failed.length, isGreen(report) ? 0 : 1));
  const skipped = sum((report) => report.skipped.length);
  say();
  say(`ℹ tests ${passed + failed + skipped}`);
  say(`ℹ files ${reports.length}`);
  say(`ℹ pass ${passed}`);
  say(`ℹ fail ${failed}`);
  say(`ℹ skipped ${skipped}`);
  say(`ℹ duration_ms ${Math.round(performance.now() - started)}`);
}
