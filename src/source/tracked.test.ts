// P38: what git tracks counts whatever .gitignore says; what tagproof is told to leave out is counted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../test/run-cli.ts';
import { listFiles } from './files.ts';

const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, stdio: 'pipe' });

const FILES = {
  '.gitignore': 'build/\n*.gen.yaml\n',
  '.tagproofignore': '/build/no.yaml\n/left/\n',
  'a.yaml': podWith('a:1'),
  'build/kept.yaml': podWith('b:1'),
  'build/deep/er/kept.yaml': podWith('c:1'),
  'build/no.yaml': podWith('d:1'),
  'build/untracked.yaml': podWith('e:1'),
  'sub/x.gen.yaml': podWith('f:1'),
  'sub/y.gen.yaml': podWith('g:1'),
  'left/z.yaml': podWith('h:1'),
};
const TRACKED = ['build/kept.yaml', 'build/deep/er/kept.yaml', 'build/no.yaml', 'sub/x.gen.yaml'];

function tracked(): string {
  const folder = makeRepository(FILES);
  git(folder, 'init', '-q');
  git(folder, 'add', '-f', ...TRACKED);
  return folder;
}

test('P38: tracked files are read although .gitignore matches them or their folder; others are not', () => {
  const folder = tracked();
  const expected = ['a.yaml', 'build/deep/er/kept.yaml', 'build/kept.yaml', 'sub/x.gen.yaml'];
  assert.deepEqual(listFiles(['.'], { cwd: folder }).files, expected);
  assert.deepEqual(listFiles(['.'], { cwd: join(folder, 'sub') }).files, ['x.gen.yaml']);
  assert.deepEqual(listFiles(['sub', 'a.yaml'], { cwd: folder }).files, ['sub/x.gen.yaml', 'a.yaml']);
});

test('P38: without git nothing changes', () => {
  assert.deepEqual(listFiles(['.'], { cwd: makeRepository(FILES) }).files, ['a.yaml']);
});

test('P38: a folder that is named is read although .gitignore matches it, without what tagproof was told to leave out', () => {
  const { files, passedOver } = listFiles(['build'], { cwd: tracked() });
  assert.deepEqual(files, ['build/deep/er/kept.yaml', 'build/kept.yaml', 'build/untracked.yaml']);
  assert.deepEqual(passedOver, [{ file: 'build/no.yaml', kind: 'left-out', reason: 'left out by .tagproofignore' }]);
});

test('P38: what .tagproofignore and excludes leave out is counted, and listed by --explain', async () => {
  const folder = tracked();
  const { stdout } = await runTagproof(folder, ['check', '--exclude', '/sub/']);
  assert.match(stdout, /3 files read, 3 paths left out/);
  const explained = await runTagproof(folder, ['scan', '--explain', '--exclude', '/sub/']);
  assert.match(explained.stdout, /skip: left-out {2}build\/no\.yaml {2}left out by \.tagproofignore/);
  assert.match(explained.stdout, /skip: left-out {2}left {11}left out by \.tagproofignore/);
  assert.match(explained.stdout, /skip: left-out {2}sub {12}left out by --exclude/);
  const named = await runTagproof(folder, ['check', 'left/z.yaml', 'build/untracked.yaml']);
  assert.match(named.stdout, /1 file read, 1 path left out/);
});

test('P38: an unignoring rule in a folder below does not bring back what the configuration excludes', () => {
  const folder = makeRepository({ 'a/.gitignore': '!b.yaml\n', 'a/b.yaml': '' });
  const exclude = [{ folder, patterns: ['*.yaml'], from: 'find.exclude' }];
  assert.deepEqual(listFiles(['.'], { cwd: folder, exclude }).files, []);
});
