// A fault in any single call of the file system: every file then holds its old bytes or its new ones, and the
// outcome says which. Found by faults.md S1-2 (a full disk) and what is like it.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Change } from './change.ts';
import { commitFiles } from './commit.ts';
import { type Disk, realDisk } from './disk.ts';
import { explainOutcome } from './outcome.ts';

const base = mkdtempSync(join(tmpdir(), 'tagproof-faults-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

const NAMES = ['a.yaml', 'b.yaml', 'tagproof.lock'] as const;
/** Two manifests that exist, in two folders, and a lock that does not. */
function setUp(): { at: string; changes: Change[]; pathOf: (name: string) => string } {
  const at = join(base, String(count++));
  mkdirSync(join(at, 'deploy'), { recursive: true });
  const pathOf = (name: string) => (name === 'b.yaml' ? join(at, 'deploy', name) : join(at, name));
  for (const name of ['a.yaml', 'b.yaml']) writeFileSync(pathOf(name), `old ${name}`);
  const changes = NAMES.map((name): Change => {
    const common = { file: pathOf(name), after: `new ${name}` };
    return name === 'tagproof.lock'
      ? { kind: 'create', ...common }
      : { kind: 'replace', before: Buffer.from(`old ${name}`), ...common };
  });
  return { at, changes, pathOf };
}

type Call = { readonly name: string; readonly args: readonly unknown[] };
/** Counts the calls; `fault` decides by their number what goes wrong. */
function watched(fault: (call: Call, number: number) => NodeJS.ErrnoException | undefined): {
  disk: Disk;
  calls: Call[];
} {
  const calls: Call[] = [];
  const disk = Object.fromEntries(
    Object.entries(realDisk).map(([name, action]) => [
      name,
      (...args: unknown[]) => {
        const call = { name, args };
        const error = fault(call, calls.push(call) - 1);
        if (error !== undefined) throw error;
        return (action as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as Disk;
  return { disk, calls };
}
const errno = (code: string) => Object.assign(new Error(`${code}: injected`), { code });
const contentOf = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};
const leftovers = (at: string) =>
  [...readdirSync(at), ...readdirSync(join(at, 'deploy'))].filter((name) => name.endsWith('.tagproof'));

const plain = watched(() => undefined);
commitFiles(setUp().changes, plain.disk);

test('what is done in which order: all content is durable before the first target changes', () => {
  const order = plain.calls.map(({ name }) => name);
  const firstRename = order.findIndex((name) => name === 'rename' || name === 'link');
  assert.deepEqual(order.filter((name) => name === 'fsync').length, 3);
  assert.ok(order.lastIndexOf('fsync') < firstRename, 'fsync before rename');
  assert.ok(order.lastIndexOf('write') < order.lastIndexOf('fsync'));
  assert.equal(order.filter((name) => name === 'fsyncFolder').length, 2, 'each folder once');
  assert.ok(order.indexOf('fsyncFolder') > order.lastIndexOf('rename'));
  for (const { name, args } of plain.calls)
    if (name === 'openNew') assert.match(String(args[0]), /\.tagproof$/, 'a target is never opened for writing');
});

for (const code of ['ENOSPC', 'EIO'])
  test(`one call fails with ${code}: all files are old or all are new, and the outcome says so`, () => {
    for (let fails = 0; fails < plain.calls.length; fails++) {
      const { at, changes, pathOf } = setUp();
      const { disk, calls } = watched((_, number) => (number === fails ? errno(code) : undefined));
      const { files, problems } = commitFiles(changes, disk);
      const call = calls[fails]?.name;
      const now = NAMES.map((name) => contentOf(pathOf(name)));
      const old = ['old a.yaml', 'old b.yaml', undefined];
      const fresh = NAMES.map((name) => `new ${name}`);
      const isNew = now.every((text, i) => text === fresh[i]);
      assert.ok(isNew || now.every((text, i) => text === old[i]), `${call} (${fails}): ${now}`);
      for (const { file, state } of files)
        assert.equal(state === 'written', isNew, `${call} (${fails}): ${file} is ${state}`);
      // Only what comes after the files is no problem: removing a temporary that is gone, and the sweep.
      if (problems.length === 0) assert.match(String(call), /remove|list|lstat/, `${call} (${fails}) failed unnoticed`);
      if (call !== 'remove') assert.deepEqual(leftovers(at), [], `${call} (${fails})`);
    }
  });

test('one call fails and so does all that comes after: each file is whole, and the outcome says which bytes it holds', () => {
  for (let fails = 0; fails < plain.calls.length; fails++) {
    const { changes, pathOf } = setUp();
    const { disk } = watched(({ name }, number) => (number >= fails && name !== 'read' ? errno('EROFS') : undefined));
    const outcome = commitFiles(changes, disk);
    for (const [i, { state }] of outcome.files.entries()) {
      const name = NAMES[i] as string;
      const now = contentOf(pathOf(name));
      const old = name === 'tagproof.lock' ? undefined : `old ${name}`;
      if (state === 'written') assert.equal(now, `new ${name}`, `${fails}`);
      else assert.equal(now, old, `${fails}`);
    }
    const written = outcome.files.filter(({ state }) => state === 'written').length;
    if (written > 0 && written < 3)
      assert.match(explainOutcome(outcome).join(), /changed: .*not changed: /, 'a half is named');
  }
});

test('the second rename fails after it happened, as on a network file system: the outcome reads the file and knows', () => {
  const { changes, pathOf } = setUp();
  let renames = 0;
  const disk: Disk = {
    ...realDisk,
    rename: (from, to) => {
      realDisk.rename(from, to);
      if (++renames === 2) throw errno('EIO');
    },
  };
  const { files, problems } = commitFiles(changes, disk);
  assert.deepEqual(
    files.map(({ state }) => state),
    ['restored', 'restored', 'unchanged'],
  );
  assert.match(String(problems[0]), /b\.yaml: EIO/);
  assert.equal(contentOf(pathOf('a.yaml')), 'old a.yaml');
  assert.equal(contentOf(pathOf('b.yaml')), 'old b.yaml');
});

test('a file that changes while the others are staged stops all of them', () => {
  const { changes, pathOf } = setUp();
  const disk: Disk = {
    ...realDisk,
    fsync: (descriptor) => {
      realDisk.fsync(descriptor);
      writeFileSync(pathOf('b.yaml'), 'by an editor');
    },
  };
  const { files, problems } = commitFiles(changes, disk);
  assert.match(String(problems), /b\.yaml: the file changed/);
  assert.ok(files.every(({ state }) => state === 'unchanged'));
  assert.equal(contentOf(pathOf('a.yaml')), 'old a.yaml');
  assert.equal(contentOf(pathOf('b.yaml')), 'by an editor');
});

test('a new file that somebody else makes meanwhile is never replaced', () => {
  const { changes, pathOf } = setUp();
  const disk: Disk = {
    ...realDisk,
    link: (from, to) => {
      writeFileSync(pathOf('tagproof.lock'), 'by someone else');
      realDisk.link(from, to);
    },
  };
  const { files } = commitFiles(changes, disk);
  assert.deepEqual(
    files.map(({ state }) => state),
    ['restored', 'restored', 'unknown'],
  );
  assert.equal(contentOf(pathOf('tagproof.lock')), 'by someone else');
  assert.equal(contentOf(pathOf('a.yaml')), 'old a.yaml');
});

test('a file system without hard links, and one that cannot sync a folder', () => {
  const { changes, pathOf } = setUp();
  const deny = (code: string) => () => {
    throw errno(code);
  };
  const { problems } = commitFiles(changes, { ...realDisk, link: deny('EPERM'), fsyncFolder: deny('EINVAL') });
  assert.deepEqual(problems, []);
  assert.equal(contentOf(pathOf('tagproof.lock')), 'new tagproof.lock');
});
