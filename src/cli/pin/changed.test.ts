// P17: files as hooks and CI give them: only what changed, named ones of any kind, and deleted ones.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';

const D = `sha256:${'a'.repeat(64)}`;

function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

/** A repository whose first commit, on main, has these files. */
function committed(files: Readonly<Record<string, string>>): string {
  const folder = makeRepository(files);
  git(folder, 'init', '-q');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'first');
  return folder;
}

async function findingsOf(folder: string, ...args: string[]) {
  const { stdout, stderr, code } = await runTagproof(folder, ['check', '-o', 'json', ...args]);
  assert.notEqual(stdout, '', stderr);
  const report = JSON.parse(stdout);
  return { code, report, places: report.findings.map(({ file, image }: Record<string, string>) => `${file} ${image}`) };
}

test('P17: --changed takes what the branch changed, also what is not committed or tracked, by new names', async () => {
  const folder = committed({
    'same.yaml': podWith('same:1'),
    'edited.yaml': podWith('edited:1'),
    'staged.yaml': podWith('staged:1'),
    'moved.yaml': podWith('moved:1'),
    'gone.yaml': podWith('gone:1'),
    'ö x.yaml': podWith('odd:1'),
    '.gitignore': 'ignored.yaml\n',
  });
  git(folder, 'checkout', '-qb', 'topic');
  writeFileSync(join(folder, 'edited.yaml'), podWith('edited:2'));
  renameSync(join(folder, 'moved.yaml'), join(folder, 'new name.yaml'));
  rmSync(join(folder, 'gone.yaml'));
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'second');
  git(folder, 'checkout', '-q', 'main');
  writeFileSync(join(folder, 'same.yaml'), podWith('same:2'));
  git(folder, 'commit', '-qam', 'others go on');
  git(folder, 'checkout', '-q', 'topic');
  writeFileSync(join(folder, 'staged.yaml'), podWith('staged:2'));
  git(folder, 'add', '-A');
  writeFileSync(join(folder, 'ö x.yaml'), podWith('odd:2'));
  writeFileSync(join(folder, 'untracked.yaml'), podWith('untracked:1'));
  writeFileSync(join(folder, 'ignored.yaml'), podWith('ignored:1'));
  const expected = [
    'edited.yaml edited:2',
    'new name.yaml moved:1',
    'staged.yaml staged:2',
    'untracked.yaml untracked:1',
    'ö x.yaml odd:2',
  ];
  for (const args of [['--changed=main'], ['--changed', 'main'], ['.', '--changed', 'main']]) {
    const { places, code } = await findingsOf(folder, ...args);
    assert.deepEqual(places, expected);
    assert.equal(code, 1);
  }
  const { stdout } = await runTagproof(folder, ['check', '--changed=main']);
  assert.match(stdout, /^only what changed since main \([0-9a-f]{7}\)$/m);
  assert.deepEqual((await findingsOf(folder, 'untracked.yaml', 'same.yaml', '--changed=main')).places, [
    'untracked.yaml untracked:1',
  ]);
});

test('P17: without a base that git knows, --changed is exit code 2 and says what to do', async () => {
  const folder = committed({ 'a.yaml': podWith('a:1') });
  for (const [args, expected] of [
    [['--changed'], /origin\/HEAD.*--changed=main/],
    [['--changed=nowhere'], /'nowhere'.*history/],
    [['--changed=--output=x'], /expected a branch or commit/],
  ] as const) {
    const { code, stderr } = await runTagproof(folder, ['check', ...args]);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
  const none = await runTagproof(makeRepository({ 'a.yaml': '' }), ['check', '--changed']);
  assert.match(none.stderr, /expected a git repository/);
  const ci = await runTagproof(folder, ['check', '--changed'], { env: { GITHUB_BASE_REF: 'release' } });
  assert.match(ci.stderr, /'origin\/release'/);
});

test('P17: the base of a merge request is taken where CI names it, from every folder', async () => {
  const folder = committed({ 'a/a.yaml': podWith('a:1'), 'b/b.yaml': podWith('b:1') });
  git(folder, 'update-ref', 'refs/remotes/origin/release', 'HEAD');
  writeFileSync(join(folder, 'a/a.yaml'), podWith('a:2'));
  const { stdout } = await runTagproof(join(folder, 'b'), ['check', '-o', 'json', '--changed', '--', '..'], {
    env: { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'release' },
  });
  assert.deepEqual(
    JSON.parse(stdout).findings.map(({ file }: { file: string }) => file),
    ['../a/a.yaml'],
  );
});

const OVERLAID = {
  'base/kustomization.yaml': 'resources: [web.yaml]\n',
  'base/web.yaml': podWith('placeholder:1'),
  'prod/kustomization.yaml': `resources: [../base]\nimages:\n- {name: placeholder, newName: ghcr.io/o/web, digest: "${D}"}\n`,
};

test('P17: a changed or named base that an overlay replaces is no finding', async () => {
  const folder = committed(OVERLAID);
  writeFileSync(join(folder, 'base/web.yaml'), podWith('placeholder:2'));
  for (const args of [['--changed=main'], ['base/web.yaml']]) {
    const { places, code } = await findingsOf(folder, ...args);
    assert.deepEqual(places, []);
    assert.equal(code, 0);
  }
});

test('P17: what a change leaves to an overlay is a finding there, though that file did not change', async () => {
  const overlay = 'resources: [../base]\nimages:\n- {name: placeholder, newName: ghcr.io/o/web, newTag: v1}\n';
  const folder = committed({ ...OVERLAID, 'prod/kustomization.yaml': overlay });
  writeFileSync(join(folder, 'base/web.yaml'), podWith('placeholder:2'));
  const { places } = await findingsOf(folder, '--changed=main');
  assert.deepEqual(places, ['prod/kustomization.yaml ghcr.io/o/web:v1']);
});

test('P17: named files of no known kind are not checked, and counted; excluded ones are left out', async () => {
  const folder = committed({
    'main.go': '// image: x\npackage main\n',
    'logo.png': '\x89PNG\0',
    'a.yaml': podWith(`a:1@${D}`),
    'vendor/b.yaml': podWith('b:1'),
    'own/c.yaml': podWith('c:1'),
    '.tagproofignore': 'own/\n',
    'tagproof.yaml': 'find: {exclude: [vendor/]}\n',
  });
  const { code, stdout } = await runTagproof(folder, [
    'check',
    ...['main.go', 'logo.png', 'a.yaml', 'vendor/b.yaml', 'own/c.yaml', 'tagproof.yaml'],
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^passed: 1 of 1 image pinned.*1 file read, 2 paths left out, 2 files not checked/m);
  const only = await runTagproof(folder, ['check', 'main.go']);
  assert.equal(only.code, 0);
  assert.match(only.stdout, /^nothing to check: .*1 file not checked/m);
  const explained = await runTagproof(folder, ['scan', '--explain', 'main.go']);
  assert.match(explained.stdout, /skip: unknown {2}main\.go {2}its name is that of no file with images/);
});

test('P17: deleted files are passed over and counted, however they were deleted; a wrong name is an error', async () => {
  const folder = committed({
    'a.yaml': podWith(`a:1@${D}`),
    'committed.yaml': '',
    'staged.yaml': '',
    'plain [1].yaml': '',
    'folder/x.yaml': '',
  });
  git(folder, 'rm', '-q', 'committed.yaml', 'folder/x.yaml');
  git(folder, 'commit', '-qm', 'deleted');
  git(folder, 'rm', '-q', 'staged.yaml');
  rmSync(join(folder, 'plain [1].yaml'));
  const names = ['committed.yaml', 'staged.yaml', 'plain [1].yaml'];
  const { code, stdout } = await runTagproof(folder, ['check', 'a.yaml', ...names]);
  assert.equal(code, 0);
  assert.match(stdout, /^passed: 1 of 1 image pinned.*1 file read, 3 files deleted/m);
  for (const wrong of ['nosuch.yaml', 'folder', 'folder/', '*.nothing']) {
    const { code, stderr } = await runTagproof(folder, ['check', 'a.yaml', wrong]);
    assert.equal(code, 2, wrong);
    assert.match(stderr, /there is no such file or folder/);
  }
});

test('P15: a configuration further down does not count in a run from above, and is named', async () => {
  const folder = committed({
    'tagproof.yaml': '',
    'svc/a/.tagproof.yaml': 'find: {exclude: ["*.yaml"]}\n',
    'svc/a/x.yaml': podWith('x:1'),
  });
  const { code, stdout } = await runTagproof(folder, ['check']);
  assert.equal(code, 1);
  assert.match(stdout, /^not obeyed in this run, which has one configuration: svc\/a\/\.tagproof\.yaml$/m);
  const inside = await runTagproof(join(folder, 'svc/a'), ['check']);
  assert.equal(inside.code, 0);
  assert.doesNotMatch(inside.stdout, /not obeyed/);
});
