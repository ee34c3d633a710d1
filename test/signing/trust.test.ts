// tagproof trust as a process, against a TUF repository on loopback that can be told to cheat; policy test, init and lint; check
// --verify.
// biome-ignore-all lint/suspicious/noExplicitAny: tests reach into JSON
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushReferrer, pushSample } from '../../src/registry/sample.ts';
import { BUNDLE_TYPE } from '../../src/sigstore/statement.ts';
import { canonicalJson } from '../../src/verify/notary/canonical.ts';
import { SigstoreStack } from './sigstore-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-trust-'));
const stack = new SigstoreStack();
const registry = new EmbeddedRegistry();
const tuf = generateKeyPairSync('ed25519');
let files = new Map<string, Buffer>();
const server = createServer((request, response) => {
  const body = files.get((request.url ?? '').slice(1));
  response.writeHead(body === undefined ? 404 : 200).end(body);
});
let url = '';
let host = '';
before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  host = await registry.listen();
});
after(async () => {
  server.close();
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function tagproof(args: string[], data = 'data'): Promise<{ code: number; out: string; stdout: string }> {
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve('src/cli/main.ts'), ...args],
      { cwd: folder, env: { ...process.env, NO_COLOR: '1', TAGPROOF_DATA: join(folder, data) } },
      (error, stdout, stderr) => done({ code: (error?.code as number | undefined) ?? 0, out: stdout + stderr, stdout }),
    ),
  );
}

/** TUF 1.0 metadata for one target, signed by one key for every role. */
function repository(
  target: Buffer,
  {
    version = 1,
    key = tuf.privateKey,
    expires = '2099-01-01T00:00:00Z',
  }: { version?: number; key?: KeyObject; expires?: string } = {},
): Map<string, Buffer> {
  const publicKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: tuf.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex') },
  };
  const id = createHash('sha256').update(canonicalJson(publicKey)).digest('hex');
  const wrap = (signed: object, by = key) =>
    Buffer.from(
      JSON.stringify({
        signed,
        signatures: [{ keyid: id, sig: sign(null, Buffer.from(canonicalJson(signed)), by).toString('hex') }],
      }),
    );
  const common = { spec_version: '1.0.31', version, expires };
  const role = { keyids: [id], threshold: 1 };
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const root = wrap(
    {
      _type: 'root',
      ...common,
      version: 1,
      expires: '2099-01-01T00:00:00Z',
      consistent_snapshot: true,
      keys: { [id]: publicKey },
      roles: { root: role, timestamp: role, snapshot: role, targets: role },
    },
    tuf.privateKey,
  );
  const targets = wrap({
    _type: 'targets',
    ...common,
    targets: { 'trusted_root.json': { length: target.length, hashes: { sha256: sha(target) } } },
  });
  const snapshot = wrap({ _type: 'snapshot', ...common, meta: { 'targets.json': { version } } });
  const timestamp = wrap({ _type: 'timestamp', ...common, meta: { 'snapshot.json': { version } } });
  writeFileSync(join(folder, 'root.json'), root);
  return new Map([
    ['timestamp.json', timestamp],
    [`${version}.snapshot.json`, snapshot],
    [`${version}.targets.json`, targets],
    [`targets/${sha(target)}.trusted_root.json`, target],
  ]);
}

test('trust: shipped, updated by TUF, exported and imported; a repository that cheats changes nothing', async () => {
  const shown = await tagproof(['trust', 'show']);
  assert.match(shown.out, /shipped with this version[\s\S]*transparency log +https:\/\/rekor\.sigstore\.dev/);
  const own = stack.trustedRoot();
  files = repository(own);
  assert.match((await tagproof(['trust', 'update', '--mirror', url])).out, /where to write the trust root/);
  assert.match((await tagproof(['trust', 'update', '--mirror', url, 'own-root.json'])).out, /no trust on first use/);
  const updated = await tagproof(['trust', 'update', '--mirror', url, '--root', 'root.json', 'own-root.json']);
  assert.equal(updated.code, 0, updated.out);
  assert.match(updated.out, /stored: sha256:/);
  assert.match((await tagproof(['trust', 'show', 'own-root.json'])).out, /https:\/\/rekor1\.test/);
  assert.match(
    (await tagproof(['trust', 'update', '--mirror', url, '--root', 'root.json', 'own-root.json'])).out,
    /nothing has changed/,
  );

  const newer = stack.trustedRoot((root) => void root['timestampAuthorities']?.pop());
  const cheats: [name: string, files: Map<string, Buffer>][] = [
    ['signed by a stranger', repository(newer, { version: 2, key: generateKeyPairSync('ed25519').privateKey })],
    ['expired', repository(newer, { version: 2, expires: '2020-01-01T00:00:00Z' })],
    [
      'another target',
      new Map(
        [...repository(newer, { version: 2 })].map(([path, bytes]) => [
          path,
          path.startsWith('targets/') ? Buffer.from('{}') : bytes,
        ]),
      ),
    ],
  ];
  for (const [name, cheat] of cheats) {
    files = cheat;
    const answer = await tagproof(['trust', 'update', '--mirror', url, '--root', 'root.json', 'own-root.json']);
    assert.equal(answer.code, 2, `${name}: ${answer.out}`);
    assert.match(
      (await tagproof(['trust', 'show', 'own-root.json'])).out,
      /timestamp authority +https:\/\/tsa\.test/,
      name,
    );
  }
  files = repository(newer, { version: 3 });
  assert.equal((await tagproof(['trust', 'update', '--mirror', url, '--root', 'root.json', 'own-root.json'])).code, 0);
  files = repository(own, { version: 2 });
  assert.equal(
    (await tagproof(['trust', 'update', '--mirror', url, '--root', 'root.json', 'own-root.json'])).code,
    2,
    'T7: rolled back',
  );

  assert.equal((await tagproof(['trust', 'import', 'own-root.json'])).code, 0);
  assert.match((await tagproof(['trust', 'export', 'carried.json'])).out, /wrote the trust root .* to carried\.json/);
  assert.match((await tagproof(['trust', 'export', 'carried.json'])).out, /already exists/);
  assert.equal((await tagproof(['trust', 'import', 'carried.json'], 'other')).code, 0);
  assert.deepEqual(readFileSync(join(folder, 'other/trust/trusted_root.json')), newer);
  writeFileSync(join(folder, 'broken.json'), '{"mediaType":"x"}');
  assert.equal((await tagproof(['trust', 'import', 'broken.json'], 'third')).code, 2);
  assert.ok(!existsSync(join(folder, 'third')));
});

test('trust: a member that ends soon is told', async () => {
  const soon = new Date(Date.now() + 5 * 86_400_000).toISOString();
  writeFileSync(
    join(folder, 'ending.json'),
    stack.trustedRoot((root) => void ((root['tlogs'] as any[])[0].publicKey.validFor.end = soon)),
  );
  const { code, out } = await tagproof(['trust', 'show', 'ending.json']);
  assert.equal(code, 1);
  assert.match(out, /transparency log https:\/\/rekor1\.test ends on/);
});

test('policy test: as expected, not as expected, about nobody', async () => {
  writeFileSync(
    join(folder, 'tagproof.yaml'),
    `authorities:\n  ci:\n    identities: [{issuer: https://i.test, subject: https://s.test/x}]\nrules:\n  - name: ours\n    images: ["ghcr.io/org/**"]\n    namespaces: [prod]\n    signatures: {all: [ci]}\n    attestations: [{type: slsaprovenance1, by: {any: [ci]}, condition: 'predicate.level >= 3'}]\n  - {name: rest, images: ["**"], digest: off, mode: warn, platforms: [linux/arm64]}\n`,
  );
  const image = `ghcr.io/org/app:1@sha256:${'a'.repeat(64)}`;
  const cases = (text: string) => writeFileSync(join(folder, 'tagproof.test.yaml'), `cases:\n${text}`);
  cases(`  - {name: a, image: "${image}", signatures: {ci: verified}, attestations: [{by: ci, type: slsaprovenance1, predicate: {level: 3}}], platforms: [linux/arm64], expect: allow}
  - {name: b, image: "${image}", signatures: {ci: verified}, attestations: [{by: ci, type: slsaprovenance1, predicate: {level: 2}}], expect: deny, reason: "is false"}
  - {name: c, image: "${image}", signatures: {ci: unchecked}, expect: deny, reason: could not be checked}
  - {name: d, image: "${image}", namespace: dev, platforms: [linux/amd64], expect: warn}
`);
  const good = await tagproof(['policy', 'test']);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /4 of 4 cases as expected/);
  cases(`  - {name: a, image: "${image}", expect: allow}\n`);
  const bad = await tagproof(['policy', 'test']);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /expected allow, got deny\. .*must be signed by 'ci'/);
  cases(`  - {name: a, image: "${image}", signatures: {ghost: verified}, expect: allow}\n`);
  assert.match((await tagproof(['policy', 'test'])).out, /names the authority 'ghost', which the policy does not have/);
  cases('  - {name: a, expect: allow}\n');
  assert.match((await tagproof(['policy', 'test'])).out, /tagproof\.test\.yaml:2:\d+: .*image/);
});

test('policy lint: wide identities, switched-off checks, certificates that ended', async () => {
  writeFileSync(
    join(folder, 'lint.yaml'),
    'authorities:\n  ci:\n    identities: [{issuer: https://i.test, subjectPattern: "https://git.test/org/*/.ci/*"}]\n    transparencyLog: ignore\nrules:\n  - {name: r, images: ["**"], signatures: {all: [ci]}}\n',
  );
  const { out } = await tagproof(['policy', 'lint', '-c', 'lint.yaml']);
  assert.match(out, /matches every repository of its owner/);
  assert.match(out, /names no ref/);
  assert.match(out, /neither a log entry nor a timestamp is required/);
});

test('policy init: what is used here, which of it is signed and by whom', async () => {
  for (const repositoryName of ['plain', 'bykey', 'keyless'])
    await pushSample(host, {
      repository: repositoryName,
      tag: '1',
      platforms: ['linux/amd64'],
      content: repositoryName,
    });
  const digestOf = async (name: string) =>
    (await fetch(`http://${host}/v2/${name}/manifests/1`, { method: 'HEAD', headers: { accept: '*/*' } })).headers.get(
      'docker-content-digest',
    ) as string;
  const { generateKeyPairSync: pair } = await import('node:crypto');
  const push = async (name: string, wish: object) => {
    const digest = await digestOf(name);
    await pushReferrer(host, {
      repository: name,
      subject: digest,
      artifactType: BUNDLE_TYPE,
      layer: Buffer.from(JSON.stringify(stack.bundle({ digest, ...wish }))),
    });
  };
  await push('bykey', { key: pair('ec', { namedCurve: 'P-256' }) });
  await push('keyless', {});
  writeFileSync(
    join(folder, 'pod.yaml'),
    `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n${['plain', 'bykey', 'keyless'].map((name) => `  - image: ${host}/${name}:1\n`).join('')}`,
  );
  await tagproof(['trust', 'import', await write('own.json', stack.trustedRoot())], 'init');
  writeFileSync(join(folder, 'empty.yaml'), '');
  const { code, stdout, out } = await tagproof(['policy', 'init', '-c', 'empty.yaml', 'pod.yaml'], 'init');
  assert.equal(code, 0, out);
  assert.match(stdout, /subject: "https:\/\/git\.test\/org\/app\/\.ci\/release\.yml@refs\/heads\/main"/);
  assert.match(stdout, /keyless is signed/);
  assert.match(stdout, /bykey" +# has 1 signature by a key/);
  assert.match(stdout, /plain" +# no signature found/);
  writeFileSync(join(folder, 'started.yaml'), stdout);
  const verified = await tagproof(
    ['verify', '-c', 'started.yaml', `${host}/keyless:1@${await digestOf('keyless')}`],
    'init',
  );
  assert.equal(verified.code, 0, verified.out);
  assert.match(verified.out, /signed by https:\/\/git\.test\/org\/app.*log entry \d+/);

  // pin --verify keeps the evidence; check --verify compares it, offline, and asks for the rest.
  const pinned = await tagproof(['pin', '--verify', '-c', 'started.yaml', 'pod.yaml'], 'init');
  assert.equal(pinned.code, 0, pinned.out);
  assert.match(
    readFileSync(join(folder, 'tagproof.lock'), 'utf8'),
    /"keyless:1|keyless:1".*"verified":\{"policy":"sha256:[0-9a-f]{64}","by":\[\{"authority":"org-app","issuer":"https:\/\/issuer\.test","subject":"https:\/\/git\.test.*","logIndex":"\d+","times":\["/,
  );
  const checked = await tagproof(['check', '--verify', '-c', 'started.yaml', 'pod.yaml'], 'init');
  assert.equal(checked.code, 0, checked.out);
  registry.log.length = 0;
  assert.equal((await tagproof(['check', '--verify', '--offline', '-c', 'started.yaml', 'pod.yaml'], 'init')).code, 0);
  assert.deepEqual(registry.log, [], 'nothing is sent');
  writeFileSync(join(folder, 'changed.yaml'), stdout.replace('release.yml', 'other.yml'));
  const stale = await tagproof(['check', '--verify', '-c', 'changed.yaml', 'pod.yaml'], 'init');
  assert.equal(stale.code, 1);
  assert.match(stale.out, /verified under another policy[\s\S]*not by this authority/);
  writeFileSync(
    join(folder, 'tagproof.lock'),
    readFileSync(join(folder, 'tagproof.lock'), 'utf8').replace(/,"verified":\{.*?\]\}(?=\})/g, ''),
  );
  assert.match(
    (await tagproof(['check', '--verify', '--offline', '-c', 'started.yaml', 'pod.yaml'], 'init')).out,
    /pinned without evidence/,
  );
  assert.match((await tagproof(['check', '--offline', 'pod.yaml'])).out, /--offline goes with --verify/);
});

async function write(name: string, bytes: Buffer): Promise<string> {
  writeFileSync(join(folder, name), bytes);
  return name;
}
