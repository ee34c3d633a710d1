// A lock in a registry is evaluated like an image, and only the artifact of `tagproof lock push` is a lock.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyAuthorityYaml } from '../../test/signing/authority.ts';
import { loadPolicyContext } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { LOCK_TYPE } from '../lock/lock.ts';
import { parseConfig } from '../policy/config-file.ts';
import type { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { signSample } from '../sign/sample.ts';
import { fetchLock, lockOf } from './lock-source.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const registry = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
let host = '';
before(async () => void (host = await registry.listen()));
after(async () => {
  await client.close();
  await registry.close();
});

const reference = (tag = 'prod') => parseReference(`${host}/deploy/lock:${tag}`) as Reference;
const TEXT = `version: 1\nimages:\n  "x.io/web:1": {"digest":"sha256:${'1'.repeat(64)}","firstSeen":"2026-01-01T00:00:00Z","source":"registry"}\n`;
const push = (tag: string, { text = TEXT, artifactType = LOCK_TYPE, layerType = LOCK_TYPE } = {}) =>
  client.pusher(reference()).put(tag, { artifactType, layer: Buffer.from(text), layerType, annotations: {} });
const context = (policy: string) => loadPolicyContext(parseConfig(policy, 'test'), new Map());
const anyImage = () => context(`rules: [{name: r, images: ["${host}/**"], digest: resolve}]`);
const signed = () =>
  context(
    `authorities:\n${keyAuthorityYaml('release', publicKey)}rules:\n  - {name: r, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}\n`,
  );

test('the lock, with the digest of its artifact', async () => {
  await push('prod');
  const { lock, digest } = await fetchLock(client, await anyImage(), reference());
  assert.deepEqual([...lock.keys()], ['x.io/web:1']);
  assert.equal(digest, (await client.head(reference())).digest);
});

test('an unsigned lock is refused if the rules demand a signature, and loaded once it is signed', async () => {
  await push('signed');
  await assert.rejects(fetchLock(client, await signed(), reference('signed')), ({ code, message }: Problem) => {
    assert.equal(code, 'refused');
    assert.match(message, /the policy denies this lock: .*must be signed by 'release'/);
    return true;
  });
  const { digest } = await client.head(reference('signed'));
  await signSample(host, 'deploy/lock', digest, privateKey);
  assert.equal((await fetchLock(client, await signed(), reference('signed'))).lock.size, 1);
});

test('a lock that no rule applies to is refused', async () => {
  await push('prod');
  const elsewhere = context(
    `registries: [{host: "${host}"}]\nrules: [{name: r, images: ["x.io/**"], digest: resolve}]`,
  );
  await assert.rejects(fetchLock(client, await elsewhere, reference()), ({ code }: Problem) => code === 'refused');
});

const wrong: [name: string, pushed: Parameters<typeof push>[1], message: RegExp][] = [
  ['another layer type', { layerType: 'text/plain' }, /expected one layer of type application\/vnd\.tagproof\.lock/],
  ['a text that is no lock', { text: 'version: 2\n' }, /version/],
  ['a broken text', { text: 'images: [' }, /./],
];
for (const [name, pushed, message] of wrong)
  test(`refused: ${name}`, async () => {
    await push('wrong', pushed);
    await assert.rejects(fetchLock(client, await anyImage(), reference('wrong')), message);
  });

test('a missing tag is a problem that names the lock, never an empty lock', async () => {
  await assert.rejects(fetchLock(client, await anyImage(), reference('gone')), (error: Problem) => {
    assert.equal(error.code, 'not-found');
    assert.match(String(error), /deploy\/lock/);
    return true;
  });
});

test('a lock file: a missing file is an error, an empty lock is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-lock-'));
  try {
    const file = join(folder, 'tagproof.lock');
    assert.throws(() => lockOf(file), /there is no such lock file/);
    writeFileSync(file, 'version: 1\nimages: {}\n');
    assert.equal(lockOf(file).size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
