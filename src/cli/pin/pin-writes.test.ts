// How pin writes: the manifests and the lock together, by several processes at once, or not at all.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeRepository, podWith, runTagproof } from '../../../test/run-cli.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';

const registry = new EmbeddedRegistry();
let host = '';
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const digests = new Map<string, string>();
before(async () => {
  host = await registry.listen();
  for (const name of names)
    digests.set(
      name,
      await pushSample(host, { repository: name, tag: '1', platforms: ['linux/amd64'], content: name }),
    );
});
after(() => registry.close());
const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const six = () =>
  makeRepository(Object.fromEntries(names.map((name) => [`${name}.yaml`, podWith(`${host}/${name}:1`)])));
const locked = (folder: string) => (read(folder, 'tagproof.lock').match(/^ {2}"/gm) ?? []).length;

test('six processes pin six files at once, as pre-commit runs them: the lock has all six (P14)', {
  timeout: 120_000,
}, async () => {
  const folder = six();
  const results = await Promise.all(names.map((name) => runTagproof(folder, ['pin', `${name}.yaml`])));
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  assert.equal(locked(folder), 6);
  for (const name of names) assert.ok(read(folder, `${name}.yaml`).includes(`@${digests.get(name)}`));
  assert.deepEqual(readdirSync(folder).sort(), [...names.map((name) => `${name}.yaml`), 'tagproof.lock']);
});

test('pin completes a lock that lacks what is pinned; a tag that moved since is not learned (P14)', async () => {
  const folder = six();
  await runTagproof(folder, ['pin']);
  rmSync(join(folder, 'tagproof.lock'));
  const other = podWith(`${host}/a:1@sha256:${'0'.repeat(64)}`);
  writeFileSync(join(folder, 'a.yaml'), other);
  const { code, stdout } = await runTagproof(folder, ['pin']);
  assert.equal(code, 0);
  assert.match(stdout, /remembers 5 images, 5 new/);
  assert.equal(locked(folder), 5);
  assert.equal(read(folder, 'a.yaml'), other);
  assert.doesNotMatch(read(folder, 'tagproof.lock'), /\/a:1"/);
  const frozen = registry.log.length;
  await runTagproof(folder, ['pin', '--frozen']);
  assert.equal(registry.log.length, frozen, '--frozen asks nobody');
});

const LOCKS: [name: string, lock: string, prepare: (folder: string) => void, expected: RegExp][] = [
  ['in a folder that does not exist (S1-2)', 'no/such/dir/x', () => {}, /there is no folder no\/such\/dir/],
  [
    'that is a dangling link (S1-2)',
    'tagproof.lock',
    (folder) => symlinkSync('nowhere', join(folder, 'tagproof.lock')),
    /symbolic link to a file that does not exist/,
  ],
  [
    'that is read-only (P13)',
    'tagproof.lock',
    (folder) => {
      writeFileSync(join(folder, 'tagproof.lock'), 'version: 1\nimages: {}\n');
      chmodSync(join(folder, 'tagproof.lock'), 0o444);
    },
    /it is read-only \(mode 444\)/,
  ],
];
for (const [name, lock, prepare, expected] of LOCKS)
  test(`a lock ${name}: nothing is written, exit code 2, and the report says so`, async () => {
    const text = podWith(`${host}/a:1`);
    const folder = makeRepository({ 'a.yaml': text });
    prepare(folder);
    const { code, stdout, stderr } = await runTagproof(folder, ['pin', '--lock', lock]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.match(stdout, /pinned 0 images in 0 files/);
    assert.match(stdout, /not changed: .*a\.yaml/);
    assert.equal(read(folder, 'a.yaml'), text);
  });

test('one manifest that may not be written stops all of them; unpin the same', async () => {
  const folder = six();
  chmodSync(join(folder, 'c.yaml'), 0o444);
  const pinned = await runTagproof(folder, ['pin']);
  assert.equal(pinned.code, 2);
  assert.match(pinned.stderr, /c\.yaml: it is read-only/);
  for (const name of names) assert.equal(read(folder, `${name}.yaml`), podWith(`${host}/${name}:1`));
  assert.ok(!readdirSync(folder).includes('tagproof.lock'));
  chmodSync(join(folder, 'c.yaml'), 0o644);
  await runTagproof(folder, ['pin']);
  chmodSync(join(folder, 'c.yaml'), 0o444);
  const unpinned = await runTagproof(folder, ['unpin']);
  assert.equal(unpinned.code, 2);
  assert.match(unpinned.stdout, /unpinned 0 images in 0 files\nnot changed: /);
  assert.match(read(folder, 'a.yaml'), /@sha256:/);
});

test('P2: one overlay deploys a base as it is, another renames its image: each gets its own digest, and unpin restores both', async () => {
  const prod = `resources:\n- ../base\nimages:\n- name: ${host}/a\n  newName: ${host}/b\n`;
  const web = podWith(`${host}/a:1`);
  const folder = makeRepository({
    'base/web.yaml': web,
    'base/kustomization.yaml': 'resources: [web.yaml]\n',
    'prod/kustomization.yaml': prod,
    'test/kustomization.yaml': 'resources: [../base]\n',
  });
  const { code, stdout, stderr } = await runTagproof(folder, ['pin']);
  assert.equal(code, 0, stderr + stdout);
  assert.equal(read(folder, 'base/web.yaml'), podWith(`${host}/a:1@${digests.get('a')}`));
  assert.equal(read(folder, 'prod/kustomization.yaml'), `${prod}  digest: ${digests.get('b')}\n`);
  assert.equal((await runTagproof(folder, ['check'])).code, 0);
  assert.equal((await runTagproof(folder, ['pin'])).code, 0);
  assert.equal((await runTagproof(folder, ['unpin'])).code, 0);
  assert.equal(read(folder, 'base/web.yaml'), web);
  assert.equal(read(folder, 'prod/kustomization.yaml'), prod);
});
