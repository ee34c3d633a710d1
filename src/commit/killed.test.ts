// Processes that are killed, run side by side, or meet a full disk (faults S1-2, S2-2, P14).
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { commitFiles } from './commit.ts';
import { realDisk } from './disk.ts';
import { lockFile } from './guard.ts';
import { sweepLeftovers, temporaryFor } from './temporary.ts';

const base = mkdtempSync(join(tmpdir(), 'tagproof-killed-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
function folder(): string {
  const path = join(base, String(count++));
  mkdirSync(path);
  return path;
}

const IMPORT = `import { commitFiles } from '${resolve('src/commit/commit.ts')}'; import { readFileSync } from 'node:fs';`;
const start = (cwd: string, script: string): ChildProcess =>
  spawn(process.execPath, ['--input-type=module', '-e', `${IMPORT}${script}`], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
const ended = (child: ChildProcess) =>
  new Promise<number | null>((finish) => {
    if (child.exitCode !== null || child.signalCode !== null) finish(child.exitCode);
    else child.once('exit', finish);
  });

test('kill -9 at any moment leaves whole files; the next write removes what it left, and names it (S2-2)', {
  timeout: 120_000,
}, async () => {
  const names = ['a', 'b', 'c'];
  const line = 'x'.repeat(20_000);
  let swept = 0;
  for (let round = 0; round < 20; round++) {
    const at = folder();
    for (const name of names) writeFileSync(join(at, name), `0${line}`);
    const child = start(
      at,
      `for (let i = 1; ; i++) {
        commitFiles(${JSON.stringify(names)}.map((file) => ({ kind: 'replace', file, before: readFileSync(file), after: i + '${line}' })));
        if (i === 1) process.stdout.write('ready');
      }`,
    );
    after(() => child.kill('SIGKILL'));
    await new Promise((ready) => child.stdout?.once('data', ready));
    await new Promise((go) => setTimeout(go, randomInt(20))); // a random moment, and nothing waits for it
    child.kill('SIGKILL');
    await ended(child);
    const texts = names.map((name) => readFileSync(join(at, name), 'utf8'));
    for (const text of texts) assert.equal(text.replace(/^\d+/, ''), line, 'each file is whole');
    const left = readdirSync(at).filter((name) => name.endsWith('.tagproof'));
    const { problems, notes } = commitFiles([
      { kind: 'replace', file: join(at, 'a'), before: Buffer.from(texts[0] as string), after: 'end' },
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(readdirSync(at), names, 'swept');
    for (const name of left) assert.match(notes.join(), new RegExp(`removed ${name.replaceAll('.', '\\.')}, left by`));
    swept += left.length;
  }
  assert.ok(swept > 0, 'not one of twenty kills left anything: this test tests nothing');
});

test('what is swept: only temporaries whose process is gone, or whose process cannot be asked and that are old', () => {
  const at = folder();
  const mine = temporaryFor(join(at, 'mine'));
  const dead = temporaryFor(join(at, 'dead')).replace(`-${process.pid}-`, `-${deadProcess()}-`);
  const hour = new Date(Date.now() - 3_700_000);
  const elsewhere = join(at, '.x.00000000-1-0123456789ab.tagproof');
  const elsewhereOld = join(at, '.y.00000000-1-0123456789ab.tagproof');
  const former = join(at, '.former.0123456789ab.tagproof');
  const formerOld = join(at, '.formerly.0123456789ab.tagproof');
  const others = ['tagproof.lock', '.x.tagproof', 'x.0123456789ab.tagproof', '.x.0123456789ab.tagproof.yaml'];
  for (const path of [mine, dead, elsewhere, elsewhereOld, former, formerOld, ...others.map((name) => join(at, name))])
    writeFileSync(path, '');
  for (const path of [elsewhereOld, formerOld, mine, ...others.map((name) => join(at, name))])
    utimesSync(path, hour, hour);
  mkdirSync(join(at, '.folder.0123456789ac.tagproof'));
  utimesSync(join(at, '.folder.0123456789ac.tagproof'), hour, hour);
  symlinkSync('tagproof.lock', join(at, '.link.0123456789ad.tagproof'));
  lutimesSync(join(at, '.link.0123456789ad.tagproof'), hour, hour);
  const nameOf = (path: string) => path.slice(at.length + 1);
  assert.deepEqual(sweepLeftovers(realDisk, at).sort(), [dead, elsewhereOld, formerOld].map(nameOf).sort());
  assert.deepEqual(
    readdirSync(at).sort(),
    [
      ...[mine, elsewhere, former].map(nameOf),
      ...others,
      '.folder.0123456789ac.tagproof',
      '.link.0123456789ad.tagproof',
    ].sort(),
  );
});

/** The id of a process that has ended. */
const deadProcess = () => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));

test('a name as long as the file system allows still gets a temporary', () => {
  const at = folder();
  const file = join(at, 'é'.repeat(127));
  writeFileSync(file, 'old');
  const { problems } = commitFiles([{ kind: 'replace', file, before: Buffer.from('old'), after: 'new' }]);
  assert.deepEqual(problems, []);
  assert.equal(readFileSync(file, 'utf8'), 'new');
});

test('processes that add to one file at once lose nothing, whether or not it is there (P14)', {
  timeout: 60_000,
}, async () => {
  const at = folder();
  const add = (word: string) => `
    for (let i = 0; i < 10; i++) {
      const { problems } = commitFiles([{ kind: 'merge', file: 'lock', merge: (now) => (now ?? '') + '${word}' + i + '\\n' }]);
      if (problems.length > 0) { console.error(String(problems)); process.exitCode = 2; }
    }`;
  const codes = await Promise.all(['a', 'b', 'c', 'd'].map((word) => ended(start(at, add(word)))));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const lines = readFileSync(join(at, 'lock'), 'utf8').trim().split('\n');
  assert.equal(new Set(lines).size, 40);
  assert.deepEqual(readdirSync(at), ['lock']);
});

test('a lock is held by one process at a time, and by none that was killed', { timeout: 60_000 }, async () => {
  const at = folder();
  const target = join(at, 'lock');
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { lockFile } from '${resolve('src/commit/guard.ts')}'; globalThis.held = lockFile('${target}', 'lock'); process.stdout.write('held'); setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  after(() => child.kill('SIGKILL'));
  await new Promise((held) => child.stdout.once('data', held));
  assert.throws(() => lockFile(target, 'lock', 50), /lock: another tagproof has been writing it/);
  child.kill('SIGKILL');
  await ended(child);
  const release = lockFile(target, 'lock', 10_000);
  assert.ok(release !== undefined);
  release();
  assert.deepEqual(readdirSync(at), [], 'the guard goes with its last holder');
});

test('a disk that is full while the lock is written: nothing has changed (S1-2)', {
  skip: process.platform === 'win32',
}, () => {
  const at = folder();
  writeFileSync(join(at, 'a.yaml'), 'old');
  // The file system's limit for this process, as a full disk: EFBIG instead of ENOSPC, after the first kilobyte.
  const script = `${IMPORT}
    const { files, problems } = commitFiles([
      { kind: 'replace', file: 'a.yaml', before: Buffer.from('old'), after: 'new' },
      { kind: 'create', file: 'tagproof.lock', after: 'x'.repeat(5000) },
    ]);
    console.log(JSON.stringify({ states: files.map(({ state }) => state), said: problems.map(String) }));`;
  const limited = `trap '' XFSZ; ulimit -f 1; exec "$0" --input-type=module -e "$1"`;
  const out = execFileSync('bash', ['-c', limited, process.execPath, script], { cwd: at, encoding: 'utf8' });
  const { states, said } = JSON.parse(out) as { states: string[]; said: string[] };
  assert.deepEqual(states, ['unchanged', 'unchanged']);
  assert.match(said.join(), /tagproof\.lock: EFBIG/);
  assert.equal(readFileSync(join(at, 'a.yaml'), 'utf8'), 'old');
  assert.deepEqual(readdirSync(at), ['a.yaml']);
});
