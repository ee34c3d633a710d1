// One commit: what it checks, what it writes, what it keeps, and what it says.
import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Change, CommitOutcome } from './change.ts';
import { commit, commitFiles } from './commit.ts';
import { realDisk } from './disk.ts';
import { changedFiles, explainOutcome } from './outcome.ts';

const base = mkdtempSync(join(tmpdir(), 'tagproof-commit-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
function folder(files: Record<string, string> = {}): string {
  const path = join(base, String(count++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}
const read = (...parts: string[]) => readFileSync(join(...parts), 'utf8');
const replace = (file: string, before: string, text: string, more: object = {}): Change => ({
  kind: 'replace',
  file,
  before: Buffer.from(before),
  after: text,
  ...more,
});
const create = (file: string, text: string): Change => ({ kind: 'create', file, after: text });
const statesOf = ({ files }: CommitOutcome) => files.map(({ state }) => state).join();
const messages = ({ problems }: CommitOutcome) => problems.map(String).join('\n');

test('files are replaced and created whole, with their mode; nothing else stays in the folder', () => {
  const at = folder({ 'a.yaml': 'old' });
  chmodSync(join(at, 'a.yaml'), 0o640);
  const outcome = commitFiles([replace(join(at, 'a.yaml'), 'old', 'new'), create(join(at, 'tagproof.lock'), 'lock')]);
  assert.equal(messages(outcome), '');
  assert.equal(statesOf(outcome), 'written,written');
  assert.deepEqual(explainOutcome(outcome), [], 'success is told by the command itself');
  assert.equal(read(at, 'a.yaml'), 'new');
  assert.equal(statSync(join(at, 'a.yaml')).mode & 0o7777, 0o640);
  assert.equal(read(at, 'tagproof.lock'), 'lock');
  assert.equal(statSync(join(at, 'tagproof.lock')).mode & 0o7777, 0o666 & ~process.umask(), 'a new file: the umask');
  assert.deepEqual(readdirSync(at).sort(), ['a.yaml', 'tagproof.lock']);
});

test('the owner of a file stays its owner', { skip: process.getuid?.() !== 0 }, async () => {
  const { chownSync } = await import('node:fs');
  const at = folder({ a: 'old' });
  chownSync(join(at, 'a'), 12345, 54321);
  chmodSync(join(at, 'a'), 0o4755);
  assert.equal(messages(commitFiles([replace(join(at, 'a'), 'old', 'new')])), '');
  const { uid, gid, mode } = statSync(join(at, 'a'));
  assert.deepEqual([uid, gid, mode & 0o7777], [12345, 54321, 0o4755]);
});

test('the owner is given to the file before it has its place', () => {
  const at = folder({ a: 'old' });
  const { uid, gid } = statSync(join(at, 'a'));
  const given: unknown[] = [];
  const disk = {
    ...realDisk,
    ownerOf: () => ({ uid: 7, gid: 8 }),
    chown: (_: number, ...owner: number[]) => void given.push([owner, read(at, 'a')]),
  };
  const { notes } = commitFiles([replace(join(at, 'a'), 'old', 'new')], disk);
  assert.deepEqual(given, [[[uid, gid], 'old']]);
  assert.deepEqual(notes, []);
});

test('an owner that only root can keep is said', () => {
  const at = folder({ a: 'old' });
  const disk = {
    ...realDisk,
    ownerOf: () => ({ uid: 7, gid: 8 }),
    chown: () => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    },
  };
  const { notes, problems } = commitFiles([replace(join(at, 'a'), 'old', 'new')], disk);
  assert.deepEqual(problems, []);
  assert.match(notes.join(), /a: its owner was \d+:\d+ and is now 7:8/);
  assert.equal(read(at, 'a'), 'new');
});

/** Each is the second change of two. The first one must not be made. */
const REFUSED: [name: string, prepare: (at: string) => Change, expected: RegExp][] = [
  ['a file that changed since it was read', (at) => replace(join(at, 'b'), 'older', 'new'), /b: the file changed/],
  ['a file that is gone', (at) => replace(join(at, 'gone'), 'old', 'new'), /gone: the file changed/],
  ['a new file that already exists', (at) => create(join(at, 'b'), 'new'), /b: already exists/],
  ['no such folder (S1-2)', (at) => create(join(at, 'no/such/x'), 'new'), /there is no folder .*no\/such/],
  // A folder stands for all that is no regular file. Never name a real device here: run as root, with this check
  // removed, the test would replace it.
  ['a folder', (at) => replace(at, '', 'new'), /not a regular file/],
  [
    'a read-only file',
    (at) => {
      chmodSync(join(at, 'b'), 0o444);
      return replace(join(at, 'b'), 'b', 'new');
    },
    /it is read-only \(mode 444\): chmod u\+w it, or leave it out/,
  ],
  [
    'a dangling link (S1-2)',
    (at) => {
      symlinkSync('nowhere', join(at, 'link'));
      return create(join(at, 'link'), 'new');
    },
    /link: it is a symbolic link to a file that does not exist/,
  ],
  [
    'a link that leaves the folder',
    (at) => {
      const other = folder({ outside: 'b' });
      symlinkSync(join(other, 'outside'), join(at, 'link'));
      return replace(join(at, 'link'), 'b', 'new', { root: at });
    },
    /a symbolic link that leaves .*name its target/,
  ],
  [
    'the same file twice, by a link',
    (at) => {
      symlinkSync('a', join(at, 'link'));
      return replace(join(at, 'link'), 'a', 'other', { root: at });
    },
    /it is the same file as .*a/,
  ],
  [
    'a merge that refuses',
    (at) => ({
      kind: 'merge',
      file: join(at, 'b'),
      merge: () => {
        throw new Error('not like this');
      },
    }),
    /b: not like this/,
  ],
];
for (const [name, prepare, expected] of REFUSED)
  test(`nothing is written when one of several may not be: ${name}`, () => {
    const at = folder({ a: 'a', b: 'b' });
    const second = prepare(at);
    const before = readdirSync(at).sort();
    const outcome = commitFiles([replace(join(at, 'a'), 'a', 'new'), second]);
    assert.match(messages(outcome), expected);
    assert.equal(statesOf(outcome), 'unchanged,unchanged');
    assert.match(explainOutcome(outcome).join(), /not changed: .*a, /);
    assert.equal(read(at, 'a'), 'a');
    assert.equal(read(at, 'b'), 'b');
    assert.deepEqual(readdirSync(at).sort(), before);
  });

test('no permission to write the file, or in its folder, is found before anything is written', () => {
  for (const [deniedFolder, expected] of [
    [true, /no permission to write in its folder/],
    [false, /EACCES|permission denied/],
  ] as const) {
    const at = folder({ a: 'a', b: 'b' });
    const checked: string[] = [];
    const disk = {
      ...realDisk,
      checkWritable: (path: string, isFolder: boolean) => {
        checked.push(path);
        if (isFolder === deniedFolder && checked.length > 2)
          throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
      },
    };
    const outcome = commitFiles([replace(join(at, 'a'), 'a', 'x'), replace(join(at, 'b'), 'b', 'x')], disk);
    assert.match(messages(outcome), expected);
    assert.equal(read(at, 'a') + read(at, 'b'), 'ab');
  }
});

test('a link inside the folder is followed; the link stays a link', () => {
  const at = folder({ target: 'old' });
  symlinkSync('target', join(at, 'link'));
  assert.equal(messages(commitFiles([replace(join(at, 'link'), 'old', 'new', { root: at })])), '');
  assert.equal(read(at, 'target'), 'new');
  assert.deepEqual(readdirSync(at).sort(), ['link', 'target']);
});

test('other names of the file keep the old content, and the outcome says so', () => {
  const at = folder({ a: 'old' });
  linkSync(join(at, 'a'), join(at, 'other'));
  const outcome = commitFiles([replace(join(at, 'a'), 'old', 'new')]);
  assert.match(outcome.notes.join(), /a has 1 more hard link: they keep the old content/);
  assert.equal(read(at, 'other'), 'old');
});

test('a merge gets what is there now; nothing is written where it changes nothing', () => {
  const at = folder();
  const file = join(at, 'deep/er/state.json');
  const add = (line: string): Change => ({
    kind: 'merge',
    file,
    makeFolder: true,
    merge: (now) => (String(now ?? '').includes(line) ? undefined : `${now ?? ''}${line}`),
  });
  for (const line of ['a', 'b', 'a']) assert.equal(messages(commitFiles([add(line)])), '');
  assert.equal(read(file), 'ab');
  assert.deepEqual(changedFiles(commitFiles([add('a')])), []);
  assert.deepEqual(readdirSync(join(file, '..')), ['state.json'], 'no guard stays behind');
});

test('a step that fails: the outcome names the files that changed, and what was not tried', async () => {
  const at = folder({ a: 'a' });
  const ran: string[] = [];
  const step = (name: string, fails = false, independent = false) => ({
    name,
    independent,
    run: async () => {
      ran.push(name);
      if (fails) throw new Error('disk I/O error');
    },
  });
  const steps = [step('the ledger entry', true), step('the blocklist'), step('a patch', false, true)];
  const outcome = await commit([replace(join(at, 'a'), 'a', 'b')], steps);
  assert.deepEqual(ran, ['the ledger entry', 'a patch']);
  assert.equal(read(at, 'a'), 'b');
  assert.match(messages(outcome), /^the ledger entry: disk I\/O error$/);
  assert.match(
    explainOutcome(outcome).join(),
    /changed: .*a · failed: the ledger entry · not tried: the blocklist · done: a patch/,
  );
  const refused = await commit([replace(join(at, 'a'), 'a', 'c')], [step('later', false, true)]);
  assert.match(explainOutcome(refused).join(), /not changed: .*a · not tried: later/);
  assert.equal(ran.length, 2, 'no step runs when the files were not written');
});
