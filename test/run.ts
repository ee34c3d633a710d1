// Runs every test that this machine can run, then names the suites that it could not, and why.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const named = process.argv.slice(2);
const files = named.length > 0 ? named : globSync(['{src,schema,chart,test}/**/*.test.ts']).sort();
const folder = mkdtempSync(join(tmpdir(), 'tagproof-test-'));
const skipped = join(folder, 'skipped');
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  stdio: 'inherit',
  env: { ...process.env, TAGPROOF_SKIPPED: skipped, NO_COLOR: '1' },
});

let lines: string[] = [];
try {
  lines = readFileSync(skipped, 'utf8').trim().split('\n').sort();
} catch {
  // nothing was skipped
}
rmSync(folder, { recursive: true });
process.stdout.write(
  lines.length === 0
    ? '\nNo suite was skipped.\n'
    : `\nSkipped suites:\n${lines.map((line) => `  ${line}`).join('\n')}\n`,
);
process.exitCode = status ?? 1;
