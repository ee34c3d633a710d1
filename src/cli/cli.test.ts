// The verbs as a user runs them: real processes, real files, a real registry on loopback.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { digestOf } from '../image/hash.ts';
import { OCI_MANIFEST } from '../image/media-type.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample, type SampleImage } from '../registry/sample.ts';

const MAIN = resolve('src/cli/main.ts');
const root = mkdtempSync(join(tmpdir(), 'tagproof-cli-'));
const registry = new EmbeddedRegistry();
let host = '';
let web = '';

const WEB: SampleImage = {
  repository: 'web',
  tag: '1',
  platforms: ['linux/amd64', 'linux/arm64'],
  content: 'web',
  env: ['A=1'],
};

before(async () => {
  host = await registry.listen();
  web = await pushSample(host, WEB);
  await pushSample(host, { repository: 'db', tag: '2', platforms: ['linux/amd64'], content: 'db' });
});
after(async () => {
  await registry.close();
  rmSync(root, { recursive: true });
});

type Result = { code: number | null; stdout: string; stderr: string };

async function tagproof(
  folder: string,
  args: string[],
  { stdin = '', env = {} }: { stdin?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Result> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: root, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((finish) => child.on('close', finish));
  return { code, stdout, stderr };
}

let count = 0;
/** A fresh folder with these files; HOST stands for the registry. */
function repository(files: Record<string, string>): string {
  const folder = join(root, `repository-${count++}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll('HOST', host));
  }
  return folder;
}

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');
const pod = (...images: string[]) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n${images.map((image) => `  - image: ${image}\n`).join('')}`;

test('help and version load nothing; wrong words are exit code 2', async () => {
  const help = await tagproof(root, ['--help']);
  assert.equal(help.code, 0);
  for (const verb of ['scan', 'pin', 'unpin', 'check', 'verify', 'policy', 'resolve', 'inspect', 'diff', 'demo']) {
    assert.match(help.stdout, new RegExp(`^ {2}${verb} `, 'm'));
    const own = await tagproof(root, [verb, '--help']);
    assert.equal(own.code, 0);
    assert.match(own.stdout, /Usage: tagproof/);
  }
  assert.match((await tagproof(root, ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  for (const args of [
    ['frobnicate'],
    ['scan', '--nope'],
    ['scan', '-o', 'xml'],
    ['check', '--allow', 'x'],
    ['pin', '--update', '--frozen'],
    ['pin', '--timeout', 'x'],
    [],
  ]) {
    assert.equal((await tagproof(repository({ 'a.yaml': '' }), args)).code, 2, args.join(' '));
  }
});

test('scan: posture, exit codes, no colour in a pipe', async () => {
  const folder = repository({
    'a.yaml': pod('nginx:latest', 'nginx', 'nginx:1', `nginx:1@${web}`, `nginx@${web}`),
    'bad.yaml': 'image: [',
  });
  const { code, stdout, stderr } = await tagproof(folder, ['scan']);
  assert.equal(code, 2);
  assert.match(stdout, /5 images in 1 file \(2 read\): 1 latest, 1 untagged, 1 tag, 1 digest, 1 tag\+digest/);
  assert.match(stderr, /^error: bad\.yaml:1:9: not valid YAML/);
  assert.equal(stdout.includes('\x1b'), false);
  assert.equal((await tagproof(folder, ['scan', 'a.yaml'])).code, 1);
  assert.ok((await tagproof(folder, ['scan', 'a.yaml'], { env: { FORCE_COLOR: '1' } })).stdout.includes('\x1b'));
  assert.ok(
    !(await tagproof(folder, ['scan', 'a.yaml'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout.includes('\x1b'),
  );
  assert.equal((await tagproof(repository({ 'a.yaml': 'a: b\n' }), ['scan'])).code, 0);
});

test('scan --explain tells hits and skips; tagproof.yaml is obeyed', async () => {
  const folder = repository({
    'a.yaml': `${pod('nginx:1', 'quay.io/built/here:1')}---\napiVersion: x.io/v1\nkind: Machine\nspec: {osImage: ubuntu}\n`,
    'vendor/b.yaml': pod('x:1'),
    'tagproof.yaml':
      'find:\n  exclude: [vendor/]\n  ignore: [{image: "quay.io/built/**", reason: we build it}]\n  fields: [{kinds: [Machine], paths: [spec.osImage]}]\n',
  });
  const { stdout } = await tagproof(folder, ['scan', '--explain']);
  assert.match(stdout, /nginx:1\n.*spec\.containers\[0\]\.image · kubernetes · Pod\/p/);
  assert.match(stdout, /skip: ignored +quay\.io\/built\/here:1\n.*we build it/);
  assert.match(stdout, /untagged +ubuntu/);
  assert.doesNotMatch(stdout, /vendor/);
  writeFileSync(join(folder, 'tagproof.yaml'), 'fnid: {}\n');
  const broken = await tagproof(folder, ['scan']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /tagproof\.yaml:1:1: fnid: there is no setting/);
});

test('formats: json, sarif, github, markdown', async () => {
  const folder = repository({ 'a b.yaml': pod('nginx:1') });
  const json = JSON.parse((await tagproof(folder, ['scan', '-o', 'json'])).stdout);
  assert.equal(json.images[0].image, 'nginx:1');
  assert.equal(json.exitCode, 1);
  const sarif = JSON.parse((await tagproof(folder, ['check', '-o', 'sarif'])).stdout);
  const [result] = sarif.runs[0].results;
  assert.equal(result.ruleId, 'unpinned');
  assert.equal(sarif.runs[0].tool.driver.rules[result.ruleIndex].id, 'unpinned');
  assert.deepEqual(result.locations[0].physicalLocation, {
    artifactLocation: { uri: 'a%20b.yaml' },
    region: { startLine: 6, startColumn: 12, endColumn: 19 },
  });
  assert.match(
    (await tagproof(folder, ['check', '-o', 'github'])).stdout,
    /^::error file=a b\.yaml,line=6,col=12,endColumn=19,title=Image is not pinned to a digest::nginx:1: not pinned/,
  );
  assert.match((await tagproof(folder, ['check', '-o', 'markdown'])).stdout, /\| a b\.yaml:6 \| error \| nginx:1 \|/);
});

test('pin: writes digests and the lock; a second run needs no network; unpin gives the bytes back', async () => {
  const before = pod('HOST/web:1 # keep', '"HOST/db:2"').replaceAll('HOST', host);
  const folder = repository({ 'deploy/a.yaml': before });
  const dry = await tagproof(folder, ['pin', '--diff']);
  assert.equal(dry.code, 1);
  assert.match(dry.stdout, new RegExp(`\\+  - image: ${host}/web:1@${web} # keep`));
  assert.equal(read(folder, 'deploy/a.yaml'), before);

  const { code, stdout } = await tagproof(folder, ['pin']);
  assert.equal(code, 0);
  assert.match(stdout, /pinned 2 images in 1 file\ntagproof\.lock remembers 2 images, 2 new; commit it/);
  const pinned = read(folder, 'deploy/a.yaml');
  assert.equal(pinned.replace(/@sha256:[a-f0-9]{64}/g, ''), before);
  assert.match(read(folder, 'tagproof.lock'), new RegExp(`"${host}/web:1": {"digest":"${web}"`));
  assert.equal((await tagproof(folder, ['check'])).code, 0);

  assert.equal((await tagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'deploy/a.yaml'), before);
  const requests = registry.log.length;
  assert.equal((await tagproof(folder, ['pin', '--frozen'])).code, 0);
  assert.equal(read(folder, 'deploy/a.yaml'), pinned);
  assert.equal(registry.log.length, requests);
  assert.deepEqual(readdirSync(join(folder, 'deploy')), ['a.yaml']);
});

test('unpin: a digest without tag goes where pin wrote it, and stays where it is its author’s own', async () => {
  const text = pod('HOST/web', `HOST/db@sha256:${'0'.repeat(64)}`).replaceAll('HOST', host);
  await pushSample(host, { ...WEB, tag: 'latest' });
  const folder = repository({ 'a.yaml': text });
  await tagproof(folder, ['pin']);
  assert.match(read(folder, 'a.yaml'), new RegExp(`${host}/web@sha256:`));
  assert.equal((await tagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'a.yaml'), text);
  await tagproof(folder, ['unpin', '--untagged']);
  assert.equal(read(folder, 'a.yaml'), pod(`${host}/web`, `${host}/db`));
});

test('pin: what fails stops nothing else, is exit code 2, and --frozen names what the lock lacks', async () => {
  const folder = repository({
    'a.yaml': pod('HOST/web:1', 'HOST/gone:1', 'HOST/gone:1'),
    'values.yaml': 'image: {repository: HOST/web, tag: ""}\n',
  });
  const { code, stdout, stderr } = await tagproof(folder, ['pin']);
  assert.equal(code, 2);
  assert.match(read(folder, 'a.yaml'), new RegExp(`${host}/web:1@${web}\n.*${host}/gone:1\n`));
  assert.match(stderr, /a\.yaml:7:12: .*gone:1: .* has no .*gone with tag 1 .*\(and 1 more places\)/);
  assert.match(stdout, /1 cannot be pinned where they stand/);
  const frozen = await tagproof(repository({ 'a.yaml': pod('HOST/web:1') }), ['pin', '--frozen']);
  assert.equal(frozen.code, 2);
  assert.match(frozen.stderr, /not in tagproof\.lock/);
});

test('pin as a filter: standard input to standard output; after a failure nothing comes out', async () => {
  const good = await tagproof(root, ['pin', '-', '--no-lock'], { stdin: pod(`${host}/web:1`) });
  assert.equal(good.code, 0);
  assert.equal(good.stdout, pod(`${host}/web:1@${web}`));
  const back = await tagproof(root, ['unpin', '-'], { stdin: good.stdout });
  assert.equal(back.stdout, pod(`${host}/web:1`));
  const bad = await tagproof(root, ['pin', '-', '--no-lock'], { stdin: pod(`${host}/web:1`, `${host}/gone:1`) });
  assert.equal(bad.code, 2);
  assert.equal(bad.stdout, '');
  const dockerfile = await tagproof(root, ['pin', '-', '--no-lock', '--stdin-name', 'Dockerfile'], {
    stdin: `FROM ${host}/web:1`,
  });
  assert.equal(dockerfile.stdout, `FROM ${host}/web:1@${web}`);
});

test('pin --platform warns, --only-platform pins the child, check finds that out', async () => {
  const folder = repository({ 'a.yaml': pod('HOST/web:1', 'HOST/db:2') });
  const warned = await tagproof(folder, ['pin', '--platform', 'linux/arm64', '-o', 'json']);
  assert.equal(warned.code, 1);
  assert.deepEqual(
    JSON.parse(warned.stdout).findings.map((item: { rule: string; image: string }) => `${item.rule} ${item.image}`),
    [`platform-missing ${host}/db:2`],
  );
  assert.match(read(folder, 'tagproof.lock'), /"platforms":\["linux\/amd64","linux\/arm64"\]/);

  const child = repository({ 'a.yaml': pod('HOST/web:1') });
  assert.equal((await tagproof(child, ['pin', '--only-platform', 'arm64', '--no-lock'])).code, 0);
  const checked = await tagproof(child, ['check', '--online']);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /pins only linux\/arm64 of an image with several platforms/);
  assert.match(
    (await tagproof(child, ['check', '--online', '--platform', 'linux/amd64'])).stdout,
    /has no linux\/amd64, only linux\/arm64/,
  );
});

test('check: offline findings, lock disagreement, --strict, --allow', async () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const folder = repository({ 'a.yaml': pod('HOST/web:1'), 't.yaml': pod('"{{ .x }}"') });
  assert.equal((await tagproof(folder, ['check'])).code, 1);
  await tagproof(folder, ['pin']);
  assert.equal((await tagproof(folder, ['check'])).code, 0);
  assert.match((await tagproof(folder, ['check', '--strict'])).stdout, /templated/);
  writeFileSync(join(folder, 'a.yaml'), pod(`${host}/web:1@${other}`));
  const { code, stdout } = await tagproof(folder, ['check']);
  assert.equal(code, 1);
  assert.match(stdout, /tag-digest-disagree/);
  assert.equal((await tagproof(folder, ['check', '--allow', 'tag-digest-disagree'])).code, 0);
});

test('check --online: moved tag, digest gone; a registry that fails is exit code 2, never "passed"', async () => {
  await pushSample(host, { ...WEB, repository: 'moving' });
  const folder = repository({ 'a.yaml': pod('HOST/moving:1') });
  await tagproof(folder, ['pin']);
  assert.equal((await tagproof(folder, ['check', '--online'])).code, 0);
  const old = /sha256:[a-f0-9]{64}/.exec(read(folder, 'a.yaml'))?.[0] as string;
  const now = await pushSample(host, { ...WEB, repository: 'moving', content: 'other' });
  const moved = JSON.parse((await tagproof(folder, ['check', '--online', '-o', 'json'])).stdout);
  assert.equal(moved.exitCode, 1);
  assert.match(moved.findings[0].message, new RegExp(`1 moved from ${old} to ${now}, pinned \\d{4}-`));
  writeFileSync(join(folder, 'b.yaml'), pod(`${host}/moving:never@${now}`));
  assert.match(
    (await tagproof(folder, ['check', '--online', 'b.yaml'])).stdout,
    /no longer has the tag never; .*tag-gone/,
  );
  await fetch(`http://${host}/v2/moving/manifests/${old}`, { method: 'DELETE' });
  assert.match((await tagproof(folder, ['check', '--online'])).stdout, /digest-gone/);

  const down = repository({ 'a.yaml': pod(`localhost:1/x:1@${old}`) });
  const failed = await tagproof(down, ['check', '--online']);
  assert.equal(failed.code, 2);
  assert.match(failed.stdout, /could not check everything/);
});

test('pin --update moves pins to what the tags point to now', async () => {
  await pushSample(host, { ...WEB, repository: 'updated' });
  const folder = repository({
    'a.yaml': pod('HOST/updated:1'),
    'chart/values.yaml': 'image: {repository: HOST/updated, tag: "1", digest: ""}\n',
    'chart/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
    'chart/templates/a.yaml': 'image: "{{ .Values.image.repository }}@{{ .Values.image.digest }}"\n',
  });
  await tagproof(folder, ['pin']);
  const now = await pushSample(host, { ...WEB, repository: 'updated', content: 'newer' });
  assert.match((await tagproof(folder, ['pin'])).stdout, /pinned 0 images in 0 files, 2 pinned before/);
  assert.equal((await tagproof(folder, ['pin', '--update'])).code, 0);
  assert.match(read(folder, 'a.yaml'), new RegExp(`updated:1@${now}`));
  assert.match(read(folder, 'chart/values.yaml'), new RegExp(`digest: "${now}"`));
  assert.match(read(folder, 'tagproof.lock'), new RegExp(now));
});

test('verify and pin --verify: only what the policy accepts, open questions are exit code 2', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': '' },
        image: { 'docker-manifest-digest': web },
        type: 'cosign container image signature',
      },
    }),
  );
  await pushSignature(host, 'web', web, text, sign('sha256', text, privateKey));
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll('\n', '\n        ');
  const policy = `authorities:
  release:
    keys:
      - |
        ${key}
    transparencyLog: ignore
rules:
  - {name: ours, images: ["HOST/**"], digest: resolve, signatures: {all: [release]}}
`;
  const folder = repository({ 'a.yaml': pod('HOST/web:1', 'HOST/db:2'), 'tagproof.yaml': policy });
  const shown = await tagproof(folder, ['verify']);
  assert.equal(shown.code, 1, shown.stderr);
  assert.match(shown.stdout, /verified +release: signed by key [0-9a-f]{12}/);
  assert.match(shown.stdout, /unsigned +release: not signed at all/);
  assert.match(shown.stdout, /1 of 2 images satisfy the policy, 1 do not/);
  assert.equal((await tagproof(folder, ['verify', `${host}/web:1`])).code, 0);
  assert.match(
    (await tagproof(folder, ['verify', 'elsewhere.io:1/x', '--timeout', '1'])).stdout,
    /no rule applies to this image/,
  );

  const pinned = await tagproof(folder, ['pin', '--verify']);
  assert.equal(pinned.code, 1);
  assert.equal(read(folder, 'a.yaml'), pod(`${host}/web:1@${web}`, `${host}/db:2`));
  assert.match(
    read(folder, 'tagproof.lock'),
    /"verified":\{"policy":"sha256:[0-9a-f]{64}","by":\[\{"authority":"release","keyId":"[0-9a-f]{64}"\}\]\}/,
  );
  const filtered = await tagproof(folder, ['pin', '--verify', '-'], { stdin: pod(`${host}/web:1`, `${host}/db:2`) });
  assert.equal(filtered.stdout, '');

  const down = repository({
    'a.yaml': pod(`localhost:1/web:1@${web}`),
    'tagproof.yaml': policy.replaceAll('HOST', 'localhost:1'),
  });
  const unknown = await tagproof(down, ['verify']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /could not be resolved: cannot reach/);
  assert.equal((await tagproof(repository({ 'a.yaml': '' }), ['verify'])).code, 2);
});

async function pushSignature(
  host: string,
  repository: string,
  digest: string,
  payload: Buffer,
  signature: Buffer,
): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const blob = digestOf(payload);
  await fetch(`http://${host}${started.headers.get('location')}?digest=${blob}`, { method: 'PUT', body: payload });
  const annotations = { 'dev.cosignproject.cosign/signature': signature.toString('base64') };
  const layers = [
    { mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json', digest: blob, size: payload.length, annotations },
  ];
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers });
  await fetch(`${base}/manifests/${digest.replace(':', '-')}.sig`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': OCI_MANIFEST },
  });
}

test('resolve, inspect, diff', async () => {
  const resolved = await tagproof(root, ['resolve', `${host}/web:1`, `${host}/gone`, 'Not Valid']);
  assert.equal(resolved.code, 2);
  assert.equal(resolved.stdout, `${host}/web:1@${web}\n`);
  assert.match(
    resolved.stderr,
    /gone with tag latest[\s\S]*Not Valid: not a valid image reference: it contains white space/,
  );

  const inspected = await tagproof(root, ['inspect', `${host}/web:1`]);
  assert.equal(inspected.code, 0);
  assert.match(inspected.stdout, /platforms +linux\/amd64, linux\/arm64/);
  assert.match(inspected.stdout, new RegExp(`pin it as ${host}/web:1@${web}`));
  const missingPlatforms = await tagproof(root, ['inspect', `${host}/web:1`, '--platform', 'linux/s390x']);
  assert.equal(missingPlatforms.code, 2);
  assert.match(missingPlatforms.stderr, /has no linux\/s390x, only linux\/amd64, linux\/arm64/);

  await pushSample(host, { ...WEB, tag: '2', env: ['A=2'], labels: { x: 'y' } });
  const differs = await tagproof(root, ['diff', `${host}/web:1`, `${host}/web:2`, '-o', 'json']);
  assert.equal(differs.code, 1);
  assert.deepEqual(JSON.parse(differs.stdout).differences, [
    { what: 'env', name: 'A', from: '1', to: '2' },
    { what: 'label', name: 'x', to: 'y' },
  ]);
  assert.equal((await tagproof(root, ['diff', `${host}/web:1`, `${host}/web@${web}`])).code, 0);
});

test('what comes from files and registries cannot steer the terminal, credentials are never shown', async () => {
  const folder = repository({ 'a.yaml': `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: "x\\e[31m:1"\n` });
  assert.ok(!(await tagproof(folder, ['scan', '--explain'])).stdout.includes('\x1b'));
  const env = {
    TAGPROOF_REGISTRY_HOSTNAME_0: 'localhost:1',
    TAGPROOF_REGISTRY_USERNAME_0: 'u',
    TAGPROOF_REGISTRY_PASSWORD_0: 'hunter2',
  };
  const { stdout, stderr } = await tagproof(root, ['resolve', 'localhost:1/x', '-o', 'json'], { env });
  assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
});

test('Ctrl-C: exit code 130, nothing half written', async () => {
  const hanging = new EmbeddedRegistry({ intercept: () => true });
  const folder = repository({ 'a.yaml': pod(`${await hanging.listen()}/x:1`) });
  const before = read(folder, 'a.yaml');
  const child = spawn(process.execPath, [MAIN, 'pin'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: root },
    stdio: 'ignore',
  });
  while (hanging.log.length === 0) await new Promise((go) => setTimeout(go, 20));
  child.kill('SIGINT');
  const code = await new Promise((finish) => child.on('close', finish));
  await hanging.close();
  assert.equal(code, 130);
  assert.equal(read(folder, 'a.yaml'), before);
  assert.deepEqual(readdirSync(folder), ['a.yaml']);
});

test('a closed pipe ends quietly', async () => {
  const folder = repository({ 'a.yaml': pod(...Array.from({ length: 5000 }, (_, i) => `image${i}:1`)) });
  const child = spawn(process.execPath, [MAIN, 'scan'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.once('data', () => child.stdout.destroy());
  await new Promise((finish) => child.on('close', finish));
  assert.equal(stderr, '');
});

test('the demo ends by itself and every step does what it says', async () => {
  const { code, stdout, stderr } = await tagproof(root, ['demo']);
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

test('policy explain --replay: the log of the webhook, decided again without network', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const line = (image: string, outcome: string, more: object = {}) =>
    JSON.stringify({
      at: '2026-11-24T00:00:00Z',
      step: 'validate',
      namespace: 'shop',
      kind: 'Pod',
      name: 'web',
      policy: 'sha256:x',
      decisions: [{ image, digest, decision: { outcome, results: [] }, evidence: { digest, verdicts: {} }, ...more }],
    });
  const folder = repository({
    'tagproof.yaml': 'rules: [{name: r, images: ["ghcr.io/**"], digest: required}]\n',
    'decisions.log': [
      line(`ghcr.io/x@${digest}`, 'allow'),
      line('ghcr.io/x:1', 'allow'),
      line('ghcr.io/y:1', 'deny', {
        decision: { outcome: 'deny', results: [{ rule: '(form)', ok: false, unchecked: false, reason: 'r' }] },
      }),
      '{"at":"x","message":"policy in force"}',
      'not json',
      '',
    ].join('\n'),
  });
  const { code, stdout, stderr } = await tagproof(folder, ['policy', 'explain', '--replay', 'decisions.log']);
  assert.equal(code, 2);
  assert.match(stdout, /2:1 {2}error {2}ghcr\.io\/x:1: .*was allow, would be deny: rule 'r': must be pinned/);
  assert.match(stdout, /2 decisions replayed: 1 the same, 1 differs; 1 were not made by rules/);
  assert.match(stdout, /under another policy/);
  assert.match(stderr, /decisions\.log:5/);
});

test('lock push and pull: what clusters take from a registry is what stands in Git', async () => {
  const lock = `# Written by tagproof: what each tag was pinned to, and since when. Commit this file.\nversion: 1\nimages:\n  "${host}/web:1": {"digest":"${web}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
  const folder = repository({ 'tagproof.lock': lock, 'broken.lock': 'version: 1\nimages:\n  x' });
  const pushed = await tagproof(folder, ['lock', 'push', `${host}/deploy/lock:prod`]);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /1 image pushed as .*\/deploy\/lock:prod@sha256:/);
  assert.equal((await tagproof(folder, ['lock', 'pull', `${host}/deploy/lock:prod`])).stdout, lock);
  const broken = await tagproof(folder, ['lock', 'push', `${host}/deploy/lock:prod`, '--lock', 'broken.lock']);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /broken\.lock:3/);
  assert.equal((await tagproof(folder, ['lock', 'pull', `${host}/web:1`])).code, 2, 'an image is no lock');
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
