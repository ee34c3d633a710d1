// pin --prove as a user runs it, with a program that stands for kustomize: it prints the files of the folder, changed as the test says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { host, repository, web } from '../../../test/cli-registry.ts';
import { MAIN, podWith, runTagproof } from '../../../test/run-cli.ts';
import { until } from '../../../test/until.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');
/** `$4` is the folder that is rendered, `$0` the program. */
const CAT = '/bin/cat "$4"/pod.yaml';

/** A tree, and beside it programs and a folder for temporary files. */
function treeWith(files: Record<string, string>, programs: Record<string, string>) {
  const outer = repository({ ...Object.fromEntries(Object.entries(files).map(([k, v]) => [`tree/${k}`, v])) });
  const [folder, bin, tmp] = [join(outer, 'tree'), join(outer, 'bin'), join(outer, 'tmp')];
  mkdirSync(bin);
  mkdirSync(tmp);
  // A configuration bounds the project.
  writeFileSync(join(folder, 'tagproof.yaml'), '{}\n');
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const env = { PATH: bin, TMPDIR: tmp };
  const pin = (...args: string[]) => runTagproof(folder, ['pin', '--prove', ...args], { env });
  const isClean = () => assert.deepEqual(readdirSync(tmp), [], 'nothing is left in the temporary folder');
  return { outer, folder, bin, env, pin, isClean };
}

const FILES = { 'kustomization.yaml': 'resources: [pod.yaml]\n', 'pod.yaml': podWith('HOST/web:1') };
const PINNED = () => podWith(`${host}/web:1@${web}`);

test('pin --prove: what renders as before but for digests is written, and the summary counts it', async () => {
  const { folder, pin, isClean } = treeWith(FILES, { kustomize: CAT });
  const { code, stdout, stderr } = await pin();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^proved 1 kustomization and 0 charts$/m);
  assert.equal(read(folder, 'pod.yaml'), PINNED());
  assert.ok(existsSync(join(folder, 'tagproof.lock')));
  isClean();
  assert.match((await pin()).stdout, /^nothing to prove: no file changes$/m);
});

const WRONG: [name: string, script: string, message: RegExp][] = [
  ['another name', `${CAT} | /bin/sed s,/web:1,/mirror/web:1,`, /Pod\/p .*image: .*mirror\/web:1.* became/],
  ['another value', `${CAT}; echo "x: $(/bin/sed -n '/sha256/=' "$4"/pod.yaml)"`, /\.x: null became/],
  [
    'a render that fails after the edit',
    `/bin/grep -q sha256 "$4"/pod.yaml && { echo "Error: no good" >&2; exit 1; }; ${CAT}`,
    /would not after the edit: no good/i,
  ],
  ['no YAML after the edit', `/bin/grep -q sha256 "$4"/pod.yaml && echo 'a: ['; ${CAT}`, /is no YAML/],
];
for (const [name, script, message] of WRONG)
  test(`pin --prove refuses: ${name}; nothing is written, no lock, exit code 2`, async () => {
    const { folder, pin, isClean } = treeWith(FILES, { kustomize: script });
    const { code, stdout, stderr } = await pin();
    assert.equal(code, 2, stdout);
    assert.match(stderr, message);
    assert.match(stderr, /nothing was written/);
    assert.match(stdout, /pinned 0 images in 0 files/);
    assert.match(stdout, /proved 0 kustomizations and 0 charts; 1 refused/);
    assert.equal(read(folder, 'pod.yaml'), podWith(`${host}/web:1`));
    assert.ok(!existsSync(join(folder, 'tagproof.lock')));
    isClean();
  });

test('pin --prove names what is not rendered, and counts none of it as proved', async () => {
  const { folder, pin, isClean } = treeWith(
    {
      ...FILES,
      'remote/kustomization.yaml': 'resources: ["https://github.com/org/repo"]\n',
      'chart/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
      'broken/kustomization.yaml': 'resources: []\n',
      'else/values.yaml': 'image: {repository: HOST/web, tag: "1", digest: ""}\n',
    },
    { kustomize: `echo "$4" >> "$(/bin/dirname "$0")/calls"; ${CAT}` },
  );
  writeFileSync(join(folder, 'tagproof.yaml'), 'find: {charts: [{files: "else/**", digest: full}]}\n');
  const { code, stdout, stderr } = await pin();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^proved 1 kustomization and 0 charts; 4 not rendered: 4 reasons$/m);
  assert.match(stdout, /^not rendered: remote: 'https:\/\/github.com\/org\/repo' is not in this tree$/m);
  assert.match(stdout, /^not rendered: chart: helm is not on the PATH$/m);
  assert.match(stdout, /^not rendered: broken: .*pod\.yaml: No such file/m);
  assert.match(stdout, /^not rendered: else\/values\.yaml: values of a chart that is not in this tree$/m);
  const calls = read(join(folder, '..'), 'bin/calls');
  assert.doesNotMatch(calls, /remote/);
  assert.equal(read(folder, 'pod.yaml'), PINNED());
  isClean();
});

test('pin --prove -o json has every folder by name', async () => {
  const { pin } = treeWith({ ...FILES, 'c/Chart.yaml': 'name: c\n' }, { kustomize: CAT });
  const { data, proof } = JSON.parse((await pin('-o', 'json')).stdout);
  assert.deepEqual(proof ?? data?.proof, {
    kustomizations: ['.'],
    charts: [],
    notRendered: [{ name: 'c', reason: 'helm is not on the PATH' }],
    refused: 0,
  });
});

test('pin --prove --diff proves and writes nothing; standard input is no tree', async () => {
  const { folder, pin } = treeWith(FILES, { kustomize: CAT });
  const { code, stdout } = await pin('--diff');
  assert.equal(code, 1);
  assert.match(stdout, /proved 1 kustomization/);
  assert.equal(read(folder, 'pod.yaml'), podWith(`${host}/web:1`));
  const stdin = await pin('-');
  assert.equal(stdin.code, 2);
  assert.match(stdin.stderr, /--prove renders a tree/);
});

test('pin --prove from a folder below renders the whole repository', async () => {
  const { folder, env } = treeWith({ ...FILES, 'other/x.yaml': podWith('HOST/db:2') }, { kustomize: CAT });
  mkdirSync(join(folder, '.git'));
  const { code, stdout, stderr } = await runTagproof(join(folder, 'other'), ['pin', '--prove', '..'], { env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^proved 1 kustomization and 0 charts$/m);
  assert.equal(read(folder, 'pod.yaml'), PINNED());
});

test('pin --prove names files outside of the project: nothing here renders them', async () => {
  const { folder, env } = treeWith({ ...FILES, 'other/x.yaml': podWith('HOST/db:2') }, { kustomize: CAT });
  const { stdout } = await runTagproof(join(folder, 'other'), ['pin', '--prove', '../pod.yaml'], { env });
  assert.match(stdout, /^proved 0 kustomizations and 0 charts; 1 not rendered: it is outside of the project$/m);
  assert.match(stdout, /^not rendered: \.\.\/pod\.yaml: it is outside of the project$/m);
});

test('pin --prove: the programs get no PATH, no network and no home of the user', async () => {
  const { folder, pin } = treeWith(FILES, {
    kustomize: `echo "$PATH|$HTTPS_PROXY|$https_proxy|$GIT_ALLOW_PROTOCOL|$HOME" > "$(/bin/dirname "$0")/env"; ${CAT}`,
  });
  await pin();
  const [path, ...rest] = read(join(folder, '..'), 'bin/env').trim().split('|');
  assert.doesNotMatch(path ?? '', new RegExp(join(folder, '..', 'bin')));
  assert.deepEqual(rest.slice(0, 3), ['http://127.0.0.1:9', 'http://127.0.0.1:9', 'none']);
  assert.match(rest[3] ?? '', /tagproof-prove-\w+\/home$/);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(`pin --prove: ${signal} ends the renders, removes the copy and writes nothing`, {
    timeout: 60_000,
  }, async () => {
    const { folder, env, isClean, outer } = treeWith(FILES, {
      kustomize: 'echo $$ > "$(/bin/dirname "$0")/pid"; exec /bin/sleep 300',
    });
    const child = spawn(process.execPath, [MAIN, 'pin', '--prove'], {
      cwd: folder,
      env: { ...env, HOME: outer },
      stdio: 'ignore',
    });
    const ended = new Promise((finish) => child.on('close', finish));
    const pid = join(outer, 'bin/pid');
    await until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '');
    child.kill(signal);
    await ended;
    isClean();
    assert.equal(read(folder, 'pod.yaml'), podWith(`${host}/web:1`));
    const sleeper = Number(readFileSync(pid, 'utf8'));
    await until(() => !isAlive(sleeper));
  });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
