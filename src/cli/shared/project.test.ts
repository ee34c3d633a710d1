// P15: which configuration and lock a run takes, from every folder.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { host, repository, web } from '../../../test/cli-registry.ts';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { Problem } from '../../problem.ts';
import { findProject } from './project.ts';

/** `.git` as a linked working tree has it: enough to say where the repository begins. */
const GIT = { '.git': 'gitdir: elsewhere\n' };

test('P15: the nearest configuration up to the top of the repository is taken, and the lock stands beside it', () => {
  const folder = makeRepository({
    ...GIT,
    'tagproof.yml': '',
    'a/b/c.yaml': '',
    'svc/.tagproof.yaml': '',
    'svc/deploy/d.yaml': '',
  });
  const at = (path: string) => {
    const { configuration, lock, root, top } = findProject({}, join(folder, path));
    assert.equal(top, folder);
    return [configuration, lock, root.slice(folder.length + 1)];
  };
  assert.deepEqual(at('.'), ['tagproof.yml', 'tagproof.lock', '']);
  assert.deepEqual(at('a/b'), ['../../tagproof.yml', '../../tagproof.lock', '']);
  assert.deepEqual(at('svc'), ['.tagproof.yaml', 'tagproof.lock', 'svc']);
  assert.deepEqual(at('svc/deploy'), ['../.tagproof.yaml', '../tagproof.lock', 'svc']);
});

test('P15: no configuration: the top of the repository; no repository: the working folder, and nothing above it', () => {
  const inside = makeRepository({ ...GIT, 'a/b.yaml': '' });
  assert.deepEqual(findProject({}, join(inside, 'a')).lock, '../tagproof.lock');
  const outside = makeRepository({ 'tagproof.yaml': '', 'a/b.yaml': '' });
  const { configuration, lock, isBounded } = findProject({}, join(outside, 'a'));
  assert.deepEqual([configuration, lock, isBounded], [undefined, 'tagproof.lock', false]);
  assert.equal(findProject({}, outside).configuration, 'tagproof.yaml');
});

test('P15: a configuration above the repository is not read', () => {
  const folder = makeRepository({ 'tagproof.yaml': '', 'repo/.git': 'gitdir: x\n', 'repo/a/b.yaml': '' });
  assert.equal(findProject({}, join(folder, 'repo/a')).configuration, undefined);
});

test('P15: what the user names counts; the project stays where it is', () => {
  const folder = makeRepository({ ...GIT, 'tagproof.yaml': '', 'a/other.yaml': '' });
  const { configuration, lock, root } = findProject({ config: 'other.yaml' }, join(folder, 'a'));
  assert.deepEqual([configuration, lock, root], ['other.yaml', '../tagproof.lock', folder]);
  assert.equal(findProject({ lock: 'mine.lock' }, join(folder, 'a')).lock, 'mine.lock');
});

test('P15: two configurations side by side are an error that names both', async () => {
  const folder = makeRepository({ ...GIT, 'tagproof.yaml': '', '.tagproof.yaml': '', 'a/b.yaml': podWith('a:1') });
  assert.throws(
    () => findProject({}, join(folder, 'a')),
    (error) => error instanceof Problem && error.code === 'conflict',
  );
  const { code, stderr } = await runTagproof(join(folder, 'a'), ['check']);
  assert.equal(code, 2);
  assert.match(stderr, /^error: \S*tagproof\.yaml: there is \.tagproof\.yaml beside it: keep one of them\n$/);
});

const settings = `find: {exclude: [/deploy/old/], ignore: [{image: HOST/ignored, reason: ours}]}
registries: [{host: HOST, plainHttp: true}]
`;

test('P15: from every folder the same configuration, the same lock and the same entries; they are named', async () => {
  const files = {
    ...GIT,
    'tagproof.yaml': settings,
    'deploy/web.yaml': podWith('HOST/web:1', 'HOST/ignored:1'),
    'deploy/old/gone.yaml': podWith('HOST/nothing:1'),
  };
  const results = await Promise.all(
    [
      ['.', []],
      ['deploy', []],
      ['deploy/old', ['..']],
    ].map(async ([from, paths]) => {
      const folder = repository(files);
      const { code, stdout, stderr } = await runTagproof(join(folder, from as string), ['pin', ...(paths as string[])]);
      assert.equal(code, 0, stderr + stdout);
      const up = (from as string) === '.' ? '' : (from as string).replaceAll(/[^/]+/g, '..').concat('/');
      assert.ok(stdout.includes(`configuration: ${up}tagproof.yaml · lock: ${up}tagproof.lock\n`), stdout);
      const checked = await runTagproof(join(folder, from as string), ['check', ...(paths as string[])]);
      assert.match(checked.stdout, /^passed: 1 of 1 image pinned/m);
      const lock = readFileSync(join(folder, 'tagproof.lock'), 'utf8');
      return [readFileSync(join(folder, 'deploy/web.yaml'), 'utf8'), lock.replace(/"firstSeen":"[^"]*"/, '')];
    }),
  );
  assert.ok(results[0]?.[0]?.includes(`web:1@${web}`));
  assert.ok(results[0]?.[1]?.includes(`"${host}/web:1"`));
  for (const result of results) assert.deepEqual(result, results[0]);
});

test('P15: pin --frozen works from a subfolder, by the lock of the project', async () => {
  const folder = repository({ ...GIT, 'tagproof.yaml': settings, 'a.yaml': podWith('HOST/web:1'), 'sub/b.yaml': '' });
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  await runTagproof(folder, ['unpin']);
  const { code, stderr } = await runTagproof(join(folder, 'sub'), ['pin', '--frozen', '../a.yaml']);
  assert.equal(code, 0, stderr);
});

test('P15: no configuration, lock or test case is read as images, whatever its folder and name', async () => {
  const names = ['tagproof.yaml', 'tagproof.yml', '.tagproof.yaml', '.tagproof.yml', 'tagproof.test.yaml'];
  const folder = makeRepository({
    ...Object.fromEntries(names.map((name, i) => [`svc${i}/${name}`, 'find: {ignore: [{image: a/b:1, reason: r}]}\n'])),
    'ci/named.yaml': 'find: {ignore: [{image: a/b:1, reason: r}]}\n',
    'ci/lock.yaml': 'version: 1\nimages: {}\n',
  });
  const { code, stdout } = await runTagproof(folder, ['check', '-c', 'ci/named.yaml', '--lock', 'ci/lock.yaml']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^nothing to check: 0 images in 0 files/m);
});

test('P15: a file is the same dialect from every folder', async () => {
  const workflow = 'jobs:\n  a:\n    container: node:20\n    steps: [{uses: "docker://alpine:3"}]\n';
  const folder = makeRepository({ ...GIT, '.github/workflows/ci.yml': workflow });
  const images = async (from: string, path: string) => {
    const { stdout } = await runTagproof(join(folder, from), ['scan', '-o', 'json', path]);
    return JSON.parse(stdout).images.map(({ image, dialect }: Record<string, string>) => `${dialect} ${image}`);
  };
  const expected = ['github-actions node:20', 'github-actions docker://alpine:3'].map((text) =>
    text.replace('docker://', ''),
  );
  assert.deepEqual(await images('.', '.'), expected);
  assert.deepEqual(await images('.github/workflows', '.'), expected);
  assert.deepEqual(await images('.github', 'workflows/ci.yml'), expected);
});

test('P15: from a subfolder the overlay beside it still decides', async () => {
  const folder = makeRepository({
    ...GIT,
    'base/kustomization.yaml': 'resources: [web.yaml]\n',
    'base/web.yaml': podWith('placeholder:latest'),
    'prod/kustomization.yaml': `resources: [../base]\nimages:\n- name: placeholder\n  newName: ghcr.io/o/web\n  digest: sha256:${'a'.repeat(64)}\n`,
  });
  for (const [from, path] of [
    ['.', 'base'],
    ['base', '.'],
    ['prod', '../base/web.yaml'],
  ] as const) {
    const { code, stdout } = await runTagproof(join(folder, from), ['scan', '--explain', path]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`replaced by ${from === '.' ? '' : from === 'prod' ? '' : '../prod/'}`), stdout);
    assert.equal((await runTagproof(join(folder, from), ['check', path])).code, 0, `${from} ${path}`);
  }
});
