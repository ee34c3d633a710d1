// The command line as a user runs it: help, output formats, interruption, and the demo.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repository, web } from '../../test/cli-registry.ts';
import { MAIN, makeRepository, podWith, runTagproof } from '../../test/run-cli.ts';
import { until } from '../../test/until.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

test('help and version load nothing; wrong words are exit code 2', async () => {
  const help = await runTagproof(makeRepository({}), ['--help']);
  assert.equal(help.code, 0);
  for (const verb of ['scan', 'pin', 'unpin', 'check', 'verify', 'policy', 'resolve', 'inspect', 'diff', 'demo']) {
    assert.match(help.stdout, new RegExp(`^ {2}${verb} `, 'm'));
    const own = await runTagproof(makeRepository({}), [verb, '--help']);
    assert.equal(own.code, 0);
    assert.match(own.stdout, /Usage: tagproof/);
  }
  assert.match((await runTagproof(makeRepository({}), ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  for (const args of [
    ['frobnicate'],
    ['scan', '--nope'],
    ['scan', '-o', 'xml'],
    ['check', '--allow', 'x'],
    ['pin', '--update', '--frozen'],
    ['pin', '--timeout', 'x'],
    [],
  ]) {
    assert.equal((await runTagproof(repository({ 'a.yaml': '' }), args)).code, 2, args.join(' '));
  }
});

test('scan: posture, exit codes, no colour in a pipe', async () => {
  const folder = repository({
    'a.yaml': podWith('nginx:latest', 'nginx', 'nginx:1', `nginx:1@${web}`, `nginx@${web}`),
    'bad.yaml': 'image: [',
  });
  const { code, stdout, stderr } = await runTagproof(folder, ['scan']);
  assert.equal(code, 2);
  assert.match(stdout, /5 images in 1 file \(2 read\): 1 latest, 1 untagged, 1 tag, 1 digest, 1 tag\+digest/);
  assert.match(stderr, /^error: bad\.yaml:1:9: not valid YAML/);
  assert.equal(stdout.includes('\x1b'), false);
  assert.equal((await runTagproof(folder, ['scan', 'a.yaml'])).code, 1);
  assert.ok(
    (await runTagproof(folder, ['scan', 'a.yaml'], { env: { FORCE_COLOR: '1', NO_COLOR: undefined } })).stdout.includes(
      '\x1b',
    ),
  );
  assert.ok(
    !(await runTagproof(folder, ['scan', 'a.yaml'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout.includes(
      '\x1b',
    ),
  );
  assert.equal((await runTagproof(repository({ 'a.yaml': 'a: b\n' }), ['scan'])).code, 0);
});

test('scan --explain tells hits and skips; tagproof.yaml is obeyed', async () => {
  const folder = repository({
    'a.yaml': `${podWith('nginx:1', 'quay.io/built/here:1')}---\napiVersion: x.io/v1\nkind: Machine\nspec: {osImage: ubuntu}\n`,
    'vendor/b.yaml': podWith('x:1'),
    'tagproof.yaml':
      'find:\n  exclude: [vendor/]\n  ignore: [{image: "quay.io/built/**", reason: we build it}]\n  fields: [{kinds: [Machine], paths: [spec.osImage]}]\n',
  });
  const { stdout } = await runTagproof(folder, ['scan', '--explain']);
  assert.match(stdout, /nginx:1\n.*spec\.containers\[0\]\.image · kubernetes · Pod\/p/);
  assert.match(stdout, /skip: ignored +quay\.io\/built\/here:1\n.*we build it/);
  assert.match(stdout, /untagged +ubuntu/);
  assert.match(stdout, /skip: left-out {2}vendor {9}left out by find\.exclude/);
  writeFileSync(join(folder, 'tagproof.yaml'), 'fnid: {}\n');
  const broken = await runTagproof(folder, ['scan']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /tagproof\.yaml:1:1: fnid: there is no setting/);
});

test('formats: json, sarif, github, markdown', async () => {
  const folder = repository({ 'a b.yaml': podWith('nginx:1') });
  const json = JSON.parse((await runTagproof(folder, ['scan', '-o', 'json'])).stdout);
  assert.equal(json.images[0].image, 'nginx:1');
  assert.equal(json.exitCode, 1);
  const sarif = JSON.parse((await runTagproof(folder, ['check', '-o', 'sarif'])).stdout);
  const [result] = sarif.runs[0].results;
  assert.equal(result.ruleId, 'unpinned');
  assert.equal(sarif.runs[0].tool.driver.rules[result.ruleIndex].id, 'unpinned');
  assert.deepEqual(result.locations[0].physicalLocation, {
    artifactLocation: { uri: 'a%20b.yaml' },
    region: { startLine: 6, startColumn: 12, endColumn: 19 },
  });
  assert.match(
    (await runTagproof(folder, ['check', '-o', 'github'])).stdout,
    /^::error file=a b\.yaml,line=6,col=12,endColumn=19,title=Image is not pinned to a digest::nginx:1: not pinned/,
  );
  assert.match(
    (await runTagproof(folder, ['check', '-o', 'markdown'])).stdout,
    /\| a b\.yaml:6 \| error \| nginx:1 \|/,
  );
});

test('what comes from files and registries cannot steer the terminal, credentials are never shown', async () => {
  const folder = repository({ 'a.yaml': `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: "x\\e[31m:1"\n` });
  assert.ok(!(await runTagproof(folder, ['scan', '--explain'])).stdout.includes('\x1b'));
  const env = {
    TAGPROOF_REGISTRY_HOSTNAME_0: 'localhost:1',
    TAGPROOF_REGISTRY_USERNAME_0: 'u',
    TAGPROOF_REGISTRY_PASSWORD_0: 'hunter2',
  };
  const { stdout, stderr } = await runTagproof(makeRepository({}), ['resolve', 'localhost:1/x', '-o', 'json'], { env });
  assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
});

test('Ctrl-C: exit code 130, nothing half written', async () => {
  const hanging = new EmbeddedRegistry({ intercept: () => true });
  const folder = repository({ 'a.yaml': podWith(`${await hanging.listen()}/x:1`) });
  const before = read(folder, 'a.yaml');
  const child = spawn(process.execPath, [MAIN, 'pin'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: 'ignore',
  });
  await until(() => hanging.log.length > 0, 'pin asked no registry');
  child.kill('SIGINT');
  const code = await new Promise((finish) => child.on('close', finish));
  await hanging.close();
  assert.equal(code, 130);
  assert.equal(read(folder, 'a.yaml'), before);
  assert.deepEqual(readdirSync(folder), ['a.yaml']);
});

test('a closed pipe ends quietly', async () => {
  const folder = repository({ 'a.yaml': podWith(...Array.from({ length: 5000 }, (_, i) => `image${i}:1`)) });
  const child = spawn(process.execPath, [MAIN, 'scan'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.once('data', () => child.stdout.destroy());
  await new Promise((finish) => child.on('close', finish));
  assert.equal(stderr, '');
});

test('the demo ends by itself and every step does what it says', async () => {
  const { code, stdout, stderr } = await runTagproof(makeRepository({}), ['demo']);
  assert.equal(code, 0, stderr);
  for (const words of [
    'would pin 11 images in 7 files',
    'pinned 11 images in 7 files',
    'passed: 11 of 11 images pinned',
    'tag-moved',
    'env COLLECT_TO',
    'unpinned 11 images in 7 files',
    'tagproof pin --diff',
  ]) {
    assert.ok(stdout.includes(words), words);
  }
});

test('demo --serve: a simulated cluster behind the real watcher, ledger and API; marked as what it is', {
  timeout: 30_000,
}, async () => {
  const child = spawn(process.execPath, [MAIN, 'demo', '--serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  const url = await new Promise<URL>((found) =>
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk;
      const address = /http:\S+/.exec(out)?.[0];
      if (address !== undefined) found(new URL(address));
    }),
  );
  const headers = { authorization: `Bearer ${url.searchParams.get('token')}` };
  after(() => child.kill('SIGKILL'));
  type Seen = { identity: { state: string }; evidence: { outcome: string } | null };
  type Page = { items: { name: string; running: Seen[] }[]; clusters: object[] };
  let page: Page = { items: [], clusters: [] };
  const told = () =>
    page.items.map(({ name, running }) => `${name} ${running[0]?.identity.state} ${running[0]?.evidence?.outcome}`);
  for (let i = 0; i < 100 && (page.items.length < 4 || /unknown|undefined/.test(told().join())); i++) {
    page = (await (await fetch(`${url.origin}/api/v1/deployed`, { headers })).json()) as Page;
    await new Promise((wait) => setTimeout(wait, 100));
  }
  assert.deepEqual(told(), ['cache same deny', 'proxy exact allow', 'web same allow', 'worker same allow']);
  assert.deepEqual(page.clusters, [{ name: 'demo (simulated)', synced: true }]);
  assert.match(await (await fetch(url.origin)).text(), /What is deployed/);
  const ended = new Promise((finish) => child.once('exit', finish));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});
