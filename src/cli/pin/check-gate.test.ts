// The gate is green only when it looked: exit codes on closed pipes, coverage, links, and tags whose digest is another one's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MAIN, makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';

const D = `sha256:${'d'.repeat(64)}`;
const registry = new EmbeddedRegistry();
let host = '';
let one = '';
let two = '';
before(async () => {
  host = await registry.listen();
  const image = { repository: 'c', platforms: ['linux/amd64'] };
  one = await pushSample(host, { ...image, tag: '1.0', content: 'one' });
  two = await pushSample(host, { ...image, tag: '2.0', content: 'two' });
});
after(() => registry.close());

/** The exit code of a command whose reader takes `lines` lines and closes the pipe; the shell's pipefail shows it. */
function throughHead(folder: string, args: string, reader: string): Promise<number | null> {
  const script = `${process.execPath} ${MAIN} ${args} | ${reader}`;
  const child = spawn('bash', ['-o', 'pipefail', '-c', script], { cwd: folder, stdio: 'ignore' });
  return new Promise((finish) => child.on('close', finish));
}

const many = (digest: string) => podWith(...Array.from({ length: 3000 }, (_, i) => `ghcr.io/org/image${i}:1${digest}`));

for (const format of ['text', 'json', 'sarif', 'github', 'markdown', 'junit'])
  test(`P8: a closed pipe does not hide the exit code 1 of check -o ${format}`, async () => {
    const folder = makeRepository({ 'a.yaml': many('') });
    assert.equal(await throughHead(folder, `check -o ${format}`, 'head -c 10'), 1);
    assert.equal(await throughHead(folder, `check -o ${format}`, 'true'), 1);
  });

test('P8: a closed pipe does not set the exit code: scan -o json of pinned images is 0, problems are 2', async () => {
  const folder = makeRepository({ 'a.yaml': many(`@${D}`) });
  assert.equal(await throughHead(folder, 'scan -o json', 'head -c 10'), 0);
  writeFileSync(join(folder, 'b.yaml'), 'image: [\n');
  assert.equal(await throughHead(folder, 'scan -o json', 'head -c 10'), 2);
  assert.equal(await throughHead(folder, 'check -o json 2>&1', 'true'), 2);
});

test('P12: nothing to check is not "passed", and --require and --fail-on-empty are exit code 2', async () => {
  const empty = makeRepository({ 'a.yaml': 'a: 1\n' });
  const { code, stdout } = await runTagproof(empty, ['check']);
  assert.equal(code, 0);
  assert.match(stdout, /^nothing to check: 0 images in 1 file; 1 file read/m);
  assert.doesNotMatch(stdout, /passed/);
  assert.equal((await runTagproof(empty, ['check', '--fail-on-empty'])).code, 2);
  const pinned = makeRepository({ 'a.yaml': podWith(`a:1@${D}`, `b:1@${D}`) });
  assert.equal((await runTagproof(pinned, ['check', '--fail-on-empty', '--require', '2'])).code, 0);
  const few = await runTagproof(pinned, ['check', '--require', '3']);
  assert.equal(few.code, 2);
  assert.match(few.stderr, /expected at least 3 images to check, found 2/);
  assert.equal((await runTagproof(pinned, ['check', '--require', 'x'])).code, 2);
});

for (const image of ['Nginx:1', 'nginx:latest:2', 'https://registry.test/a'])
  test(`P11: ${image} as a container's image is a finding of check, scan and pin`, async () => {
    const folder = makeRepository({ 'a.yaml': podWith(image) });
    const check = await runTagproof(folder, ['check']);
    assert.equal(check.code, 1);
    assert.match(check.stdout, /error +.*not a valid image reference.*invalid-reference/s);
    assert.match(check.stdout, /^failed: .*1 finding.*1 invalid/m);
    assert.equal((await runTagproof(folder, ['check', '--strict'])).code, 1);
    assert.equal((await runTagproof(folder, ['check', '--allow', 'invalid-reference'])).code, 0);
    const scan = await runTagproof(folder, ['scan']);
    assert.match(scan.stdout, /invalid +/);
    assert.equal((await runTagproof(folder, ['pin', '--frozen'])).code, 1);
  });

test('P11: patterns of a policy, placeholders and explained values are no findings', async () => {
  const policy = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: no-latest}
spec:
  rules:
  - name: tag
    validate: {pattern: {spec: {containers: [{image: "*:*"}, {image: "!*:latest"}]}}}
`;
  const explained = podWith('Bad:1').replace('Bad:1', 'Bad:1 # tagproof:ignore: tests that it is refused');
  const folder = makeRepository({ 'p.yaml': policy, 'a.yaml': podWith('IMAGE_URL'), 'b.yaml': explained });
  const { code, stdout } = await runTagproof(folder, ['check']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^nothing to check: .*1 templated/m);
});

test("P12: tagproof's own repository passes its own check, with the images of its own Dockerfile counted", async () => {
  const { code, stdout, stderr } = await runTagproof(join(import.meta.dirname, '../../..'), [
    'check',
    '--require',
    '2',
  ]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^passed: 2 of 2 images pinned, 0 findings/m);
});

test('P12: a file that is no text is exit code 2, one of no known kind is said not to be checked; templates are counted', async () => {
  const folder = makeRepository({
    't.yaml': podWith('"{{ .x }}"'),
    'logo.png': '\x89PNG\0\0',
    'logo.yaml': '\x89PNG\0\0',
  });
  assert.equal((await runTagproof(folder, ['check', 'logo.yaml'])).code, 2);
  const png = await runTagproof(folder, ['check', 'logo.png']);
  assert.match(png.stdout, /^nothing to check: 0 images in 0 files; 0 files read, 1 file not checked/m);
  const { stdout } = await runTagproof(folder, ['check', 't.yaml']);
  assert.match(stdout, /^nothing to check: 0 images in 1 file; 1 file read, 1 templated/m);
});

test('P12: JSON, JUnit, Markdown and SARIF state the coverage', async () => {
  const folder = makeRepository({ 'a.yaml': podWith(`a:1@${D}`, '"{{ .x }}"') });
  symlinkSync('nowhere.yaml', join(folder, 'dangling.yaml'));
  const print = async (format: string) => (await runTagproof(folder, ['check', '-o', format])).stdout;
  const coverage = {
    files: 1,
    images: 1,
    templated: 1,
    invalid: 0,
    links: 1,
    encodings: 0,
    leftOut: 0,
    unchecked: 0,
    deleted: 0,
  };
  assert.deepEqual(JSON.parse(await print('json')).coverage, coverage);
  assert.deepEqual(JSON.parse(await print('sarif')).runs[0].properties.coverage, coverage);
  assert.match(await print('junit'), /<property name="tagproof.templated" value="1"\/>/);
  assert.match(await print('markdown'), /1 file read, 1 templated, 1 link not followed/);
});

test('P10: links inside the tree are followed once; links out of it and dangling ones are named', async () => {
  const folder = makeRepository({
    'tree/.gitignore': 'store/\n',
    'tree/store/a.yaml': podWith('a:1'),
    'tree/manifest.txt': podWith('b:1'),
    'tree/own.yaml': podWith('c:1'),
    'out.yaml': podWith('d:1'),
  });
  const tree = join(folder, 'tree');
  for (const [target, name] of [
    ['store', 'linked'],
    ['store', 'linked-again'],
    ['.', 'loop'],
    ['manifest.txt', 'b.yaml'],
    ['own.yaml', 'twice.yaml'],
    ['../out.yaml', 'out.yaml'],
    ['nowhere', 'dangling.yaml'],
  ] as const)
    symlinkSync(target, join(tree, name));
  const scan = JSON.parse((await runTagproof(tree, ['scan', '-o', 'json'])).stdout);
  assert.deepEqual(scan.images.map(({ file, image }: { file: string; image: string }) => `${file} ${image}`).sort(), [
    'b.yaml b:1',
    'linked/a.yaml a:1',
    'own.yaml c:1',
  ]);
  assert.deepEqual(scan.links.map(({ file }: { file: string }) => file).sort(), ['dangling.yaml', 'out.yaml']);
  const { stdout } = await runTagproof(tree, ['scan', '--explain']);
  assert.match(stdout, /skip: link +dangling.yaml +a symbolic link to something that does not exist/);
  assert.match(stdout, /skip: link +out.yaml +a symbolic link out of the tree/);
});

test('P3: a tag that was edited beside the digest of the old one is an error offline, and pin resolves it anew', async () => {
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/c:1.0`) });
  await runTagproof(folder, ['pin']);
  writeFileSync(join(folder, 'a.yaml'), podWith(`${host}/c:2.0@${one}`));
  const offline = await runTagproof(folder, ['check']);
  assert.equal(offline.code, 1);
  assert.match(offline.stdout, /tagproof\.lock knows sha256:\S+ as 1\.0, not as 2\.0.*tag-digest-disagree/);
  const online = JSON.parse((await runTagproof(folder, ['check', '--online', '-o', 'json'])).stdout);
  assert.deepEqual(
    online.findings.map(({ rule, level }: { rule: string; level: string }) => `${rule} ${level}`),
    ['tag-digest-disagree error', 'lock-stale note'],
  );
  assert.equal(online.findings[0].message, `2.0 is ${two}, not ${one}; that digest was 1.0`);
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  assert.equal(readFileSync(join(folder, 'a.yaml'), 'utf8'), podWith(`${host}/c:2.0@${two}`));
  assert.equal((await runTagproof(folder, ['check', '--online'])).code, 0);
});

test('P3: two tags of one digest are no error online, where the registry confirms them', async () => {
  await pushSample(host, { repository: 'c', tag: 'same', platforms: ['linux/amd64'], content: 'one' });
  const folder = makeRepository({ 'a.yaml': podWith(`${host}/c:1.0`) });
  await runTagproof(folder, ['pin']);
  const { images } = JSON.parse((await runTagproof(folder, ['scan', '-o', 'json'])).stdout);
  writeFileSync(join(folder, 'a.yaml'), podWith(`${host}/c:same@${images[0].digest}`));
  assert.equal((await runTagproof(folder, ['check'])).code, 1);
  assert.equal((await runTagproof(folder, ['check', '--online'])).code, 0);
});

for (const order of ['little', 'big'] as const)
  test(`P9: UTF-16, ${order} end first, is checked, pinned in its own encoding and unpinned to the same bytes`, async () => {
    const encode = (text: string) => {
      const bytes = Buffer.from(`\ufeff${text}`.replaceAll('\n', '\r\n'), 'utf16le');
      return order === 'big' ? bytes.swap16() : bytes;
    };
    const folder = makeRepository({});
    const file = join(folder, 'u.yaml');
    writeFileSync(file, encode(podWith(`${host}/c:1.0`, `${host}/c:2.0 # é`)));
    assert.equal((await runTagproof(folder, ['check'])).code, 1);
    assert.equal((await runTagproof(folder, ['pin'])).code, 0);
    assert.ok(readFileSync(file).equals(encode(podWith(`${host}/c:1.0@${one}`, `${host}/c:2.0@${two} # é`))));
    assert.equal((await runTagproof(folder, ['check'])).code, 0);
    assert.equal((await runTagproof(folder, ['unpin'])).code, 0);
    assert.ok(readFileSync(file).equals(encode(podWith(`${host}/c:1.0`, `${host}/c:2.0 # é`))));
  });

test('P9: UTF-16 without byte order mark and UTF-32 are exit code 2, never silent', async () => {
  for (const bytes of [
    Buffer.from(podWith('a:1'), 'utf16le'),
    Buffer.from(podWith('a:1'), 'utf16le').swap16(),
    Buffer.from([0xff, 0xfe, 0, 0, ...Buffer.from([...'image: a'].map((c) => `${c}\0\0\0`).join(''))]),
  ]) {
    const folder = makeRepository({});
    writeFileSync(join(folder, 'u.yaml'), bytes);
    const { code, stdout, stderr } = await runTagproof(folder, ['check']);
    assert.equal(code, 2);
    assert.match(stdout, /1 encoding not read/);
    assert.match(stderr, /u\.yaml: expected UTF/);
  }
});
