// The runner of npm test: a file that hangs is killed and named, servers that it leaves end, what
// was skipped is told with its reason.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FileReport, runFile } from './test-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-runner-'));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function report(body: string, limits: { test?: number; file?: number } = {}): Promise<FileReport> {
  const file = join(folder, `${++count}.test.ts`);
  writeFileSync(
    file,
    `import { describe, test } from 'node:test';\nimport { spawn } from 'node:child_process';\n${body}`,
  );
  return runFile(file, limits.test ?? 20_000, limits.file ?? 20_000);
}

test('what passed, failed and was skipped, with names and reasons', async () => {
  const { passed, failed, skipped, problem, output } = await report(`
    test('good', () => {});
    test('not here', { skip: 'no such program' }, () => {});
    describe('outer', () => {
      test('also good', () => {});
      test('bad', () => { throw new Error('seven'); });
    });`);
  assert.deepEqual(
    { passed, failed, skipped, problem },
    {
      passed: 2,
      failed: ['outer > bad'],
      skipped: [{ name: 'not here', reason: 'no such program' }],
      problem: undefined,
    },
  );
  assert.match(output, /Error: seven/);
});

test('a test without an end fails at its limit, and the file goes on', async () => {
  const body = `
    test('hangs', () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()));
    test('next', () => {});
    setInterval(() => {}, 100).unref();
    const alive = setInterval(() => {}, 1000);
    setTimeout(() => clearInterval(alive), 2000);`;
  const { passed, failed } = await report(body, { test: 500 });
  assert.deepEqual({ passed, failed }, { passed: 1, failed: ['hangs'] });
});

test('a file without an end is killed, and names the test that it hangs in', async () => {
  const body = `
    test('fine', () => {});
    test('never ends', () => new Promise((resolve) => setInterval(() => {}, 1000)));`;
  const { passed, problem } = await report(body, { file: 2000 });
  assert.equal(passed, 1);
  assert.match(problem ?? '', /^killed after \d+ s, in: never ends$/);
  const busy = await report(`test('busy', () => { for (;;); });`, { file: 1000 });
  assert.match(busy.problem ?? '', /^killed after \d+ s/);
});

test('a file that keeps the process alive after its tests is killed too', async () => {
  const { problem } = await report(`test('fine', () => {}); setInterval(() => {}, 1000);`, { file: 2000 });
  assert.match(problem ?? '', /^killed after \d+ s, after its last test$/);
});

test('a server that a file leaves behind ends with it', async () => {
  const pid = join(folder, 'pid');
  const { leftovers, problem } = await report(`
    import { writeFileSync } from 'node:fs';
    test('starts one', () => {
      const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
      child.unref();
      writeFileSync(${JSON.stringify(pid)}, String(child.pid));
    });`);
  assert.deepEqual({ leftovers, problem }, { leftovers: true, problem: undefined });
  const status = `/proc/${readFileSync(pid, 'utf8')}/status`;
  // A killed process stays in the table until somebody asks for its exit code.
  if (existsSync(status)) assert.match(readFileSync(status, 'utf8'), /State:\s+Z/);
});

test('a file that cannot be loaded, or holds no test, is a failure', async () => {
  assert.match((await report(`import './nowhere.ts';`)).problem ?? '', /its process ended with 1/);
  assert.equal((await report('')).problem, 'it ran no test');
});
