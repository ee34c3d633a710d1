// .ci/mutants: why no mutant ran, or not all of them, is one line; and time that is over is no success.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const SCRIPT = resolve('.ci/mutants');
const folder = mkdtempSync(join(tmpdir(), 'tagproof-ci-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@test', '-c', 'init.defaultBranch=main', ...args], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();

/** A program named npm that does this. */
function npmDoes(line: string): void {
  const file = join(folder, 'bin/npm');
  writeFileSync(file, `#!/bin/sh\n${line}\n`);
  chmodSync(file, 0o755);
}
const run = (limit = '60') =>
  new Promise<{ code: number; out: string }>((done) =>
    execFile(
      SCRIPT,
      {
        cwd: folder,
        env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, MUTANTS_LIMIT: limit },
      },
      (error, out) => done({ code: Number(error?.code ?? 0), out }),
    ),
  );
const commit = (name: string) => git('commit', '-q', '--allow-empty', '-m', name);

before(() => {
  mkdirSync(join(folder, 'bin'));
  git('init', '-q');
  commit('first');
});

test('a clone without history: one line says that no mutant was run, and how to run them', async () => {
  npmDoes('echo ran');
  const { code, out } = await run();
  assert.equal(code, 0);
  assert.match(out, /^NO MUTANT WAS RUN: .*npm run mutants\n$/);
});

test('with history: those since the last commit, and the exit code is the driver’s', async () => {
  commit('second');
  npmDoes('echo "$@"; exit 3');
  const { code, out } = await run();
  assert.equal(out, 'run --silent mutants -- --changed HEAD~1\n');
  assert.equal(code, 3);
});

test('on a branch: those since it left origin/main', async () => {
  const base = git('rev-parse', 'HEAD');
  git('update-ref', 'refs/remotes/origin/main', base);
  commit('third');
  commit('fourth');
  npmDoes('echo "$@"');
  assert.equal((await run()).out, `run --silent mutants -- --changed ${base}\n`);
});

test('time that is over: one line says so and what to run, and it is no success', async () => {
  npmDoes('exec sleep 60');
  const { code, out } = await run('0.2');
  assert.equal(code, 124);
  assert.match(out, /^NOT ALL MUTANTS WERE RUN: the limit of 0\.2 s is over\. .*--changed [0-9a-f]{40}\n$/);
});
