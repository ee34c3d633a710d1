import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegistry } from '../../test/memory-registry.ts';
import { digestOf } from '../image/hash.ts';
import { parsePinned } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { findDrift } from './drift.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };
const pinned = (digest: string, tag: string | undefined = '1') =>
  parsePinned(`quay.io/x/web${tag === undefined ? '' : `:${tag}`}@${digest}`);

/** A registry with an image for two platforms under the tag `1`. */
function registry() {
  const memory = new MemoryRegistry();
  const amd = memory.image({ ...amd64 });
  const arm = memory.image({ ...arm64 });
  const index = memory.index(
    [
      { digest: amd, platform: amd64 },
      { digest: arm, platform: arm64 },
    ],
    '1',
  );
  return { memory, amd, arm, index };
}

type Findings = Awaited<ReturnType<typeof findDrift>>;
const short = (findings: Findings) => findings.map((item) => (item instanceof Problem ? `${item.code}` : item));

test('a pin that is still right: no drift, two HEADs, nothing else', async () => {
  const { memory, index } = registry();
  assert.deepEqual(await findDrift(memory, pinned(index), pinned(index), []), []);
  assert.deepEqual(memory.log.toSorted(), ['HEAD 1', `HEAD ${index.slice(7, 11)}`].toSorted());
});

test('a pin whose tag is unknown: only its digest is asked for', async () => {
  const { memory, index } = registry();
  assert.deepEqual(await findDrift(memory, pinned(index), undefined, []), []);
  assert.equal(memory.log.length, 1);
});

test('the tag moved to another image', async () => {
  const { memory, index } = registry();
  const to = memory.image({ ...amd64, created: '2026-02-02' }, '1');
  assert.deepEqual(await findDrift(memory, pinned(index), pinned(index), []), [{ kind: 'moved', from: index, to }]);
});

test('the tag names an index, and the pin one of its platforms', async () => {
  const { memory, arm, index } = registry();
  assert.deepEqual(await findDrift(memory, pinned(arm), pinned(arm), []), [
    { kind: 'child', of: index, platform: 'linux/arm64' },
  ]);
});

test('the same where the index does not name the platform', async () => {
  const { memory, amd } = registry();
  const of = memory.index([{ digest: amd }], '1');
  assert.deepEqual(await findDrift(memory, pinned(amd), pinned(amd), []), [
    { kind: 'child', of, platform: 'an unnamed platform' },
  ]);
});

test('an image that is in no index of the tag has moved, and is no platform of it', async () => {
  const { memory, index } = registry();
  const other = memory.image({ ...amd64, created: '2025-01-01' });
  assert.deepEqual(await findDrift(memory, pinned(other), pinned(other), []), [
    { kind: 'moved', from: other, to: index },
  ]);
});

test('an index whose tag names another index has moved: it is not read to find out', async () => {
  const { memory, index, amd } = registry();
  const to = memory.index([{ digest: amd, platform: amd64 }], '1');
  memory.log.length = 0;
  assert.deepEqual(await findDrift(memory, pinned(index), pinned(index), []), [{ kind: 'moved', from: index, to }]);
  assert.equal(memory.log.length, 2);
});

test('the digest is no longer served', async () => {
  const { memory, index } = registry();
  const gone = digestOf('gone');
  assert.deepEqual(await findDrift(memory, pinned(gone), undefined, []), [{ kind: 'gone', digest: gone }]);
  assert.deepEqual(await findDrift(memory, pinned(gone), pinned(gone), []), [
    { kind: 'gone', digest: gone },
    { kind: 'moved', from: gone, to: index },
  ]);
});

test('a platform whose manifest is gone is still known as a platform of the index', async () => {
  const { memory, arm, index } = registry();
  memory.manifests.delete(arm);
  assert.deepEqual(await findDrift(memory, pinned(arm), pinned(arm), []), [
    { kind: 'gone', digest: arm },
    { kind: 'child', of: index, platform: 'linux/arm64' },
  ]);
});

test('the tag is deleted, and the digest served', async () => {
  const { memory, index } = registry();
  memory.manifests.delete('1');
  assert.deepEqual(await findDrift(memory, pinned(index), pinned(index), []), [{ kind: 'untagged' }]);
});

test('tag and digest are gone: said once', async () => {
  const { memory, index } = registry();
  memory.manifests.clear();
  assert.deepEqual(await findDrift(memory, pinned(index), pinned(index), []), [{ kind: 'gone', digest: index }]);
});

test('what cannot be reached is a problem of its own, never gone and never fine', async () => {
  const { memory, index } = registry();
  memory.unreachable.add(index);
  assert.deepEqual(short(await findDrift(memory, pinned(index), pinned(index), [])), ['unreachable']);
  memory.unreachable.add('1');
  assert.deepEqual(short(await findDrift(memory, pinned(index), pinned(index), [])), ['unreachable', 'unreachable']);
  memory.unreachable.delete(index);
  assert.deepEqual(short(await findDrift(memory, pinned(index), pinned(index), [])), ['unreachable']);
});

test('an index that cannot be read leaves open whether the pin is a platform of it', async () => {
  const { memory, arm, index } = registry();
  memory.unreachable.add(index);
  assert.deepEqual(short(await findDrift(memory, pinned(arm), pinned(arm), [])), ['unreachable']);
});

test('every problem names the image as it is written', async () => {
  const { memory, index } = registry();
  memory.unreachable.add(index);
  const [problem] = await findDrift(memory, pinned(index), undefined, []);
  assert.equal((problem as Problem).where.image, pinned(index).text);
});

test('required platforms: each that is missing, with those that are there', async () => {
  const { memory, index, amd } = registry();
  const required = ['linux/amd64', 'linux/s390x', 'linux/arm/v7'];
  assert.deepEqual(await findDrift(memory, pinned(index), undefined, required), [
    { kind: 'missing-platform', platform: 'linux/s390x', has: ['linux/amd64', 'linux/arm64'] },
    { kind: 'missing-platform', platform: 'linux/arm/v7', has: ['linux/amd64', 'linux/arm64'] },
  ]);
  assert.deepEqual(await findDrift(memory, pinned(index), undefined, ['linux/amd64']), []);
  assert.deepEqual(await findDrift(memory, pinned(amd), undefined, ['linux/arm64']), [
    { kind: 'missing-platform', platform: 'linux/arm64', has: ['linux/amd64'] },
  ]);
});

test('required platforms of an image that is gone are not asked for', async () => {
  const { memory } = registry();
  const gone = digestOf('gone');
  assert.deepEqual(await findDrift(memory, pinned(gone), undefined, ['linux/amd64']), [{ kind: 'gone', digest: gone }]);
});

test('required platforms that cannot be read are a problem', async () => {
  const { memory, index } = registry();
  const broken = {
    ...memory,
    head: () => memory.head(pinned(index)),
    manifest: () => Promise.reject(new Error('reset')),
    blob: () => Promise.reject(new Error('reset')),
  };
  assert.deepEqual(short(await findDrift(broken, pinned(index), undefined, ['linux/amd64'])), ['unreachable']);
});
