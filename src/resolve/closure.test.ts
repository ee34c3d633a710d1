import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegistry } from '../../test/memory-registry.ts';
import type { Reference } from '../flow.ts';
import { digestOf } from '../image/hash.ts';
import { DOCKER_LIST, OCI_INDEX } from '../image/media-type.ts';
import { parseReference } from '../image/reference.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { MAX_CHILDREN, MAX_INDEX_DEPTH } from '../registry/limits.ts';
import { readClosure, readImageConfig } from './closure.ts';

const A = digestOf('a');
const B = digestOf('b');
const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64', variant: 'v8' };
const ref = (tag = '1') => parseReference(`quay.io/x/web:${tag}`) as Reference;
const read = (registry: MemoryRegistry) => readClosure(registry, ref());

test('a plain manifest: no children, the platform of its configuration, two requests', async () => {
  const registry = new MemoryRegistry();
  const digest = registry.image({ os: 'linux', architecture: 'arm', variant: 'v6' }, '1');
  const closure = await read(registry);
  assert.deepEqual([closure.root.digest, closure.children, closure.platforms], [digest, [], ['linux/arm/v6']]);
  assert.equal(closure.config?.digest, digest);
  assert.ok(!('bytes' in closure.root), 'the bytes of the manifest are not kept');
  assert.equal(registry.log.length, 2);
});

test('an index: its children in order, its platforms sorted and once each, one request', async () => {
  const registry = new MemoryRegistry();
  registry.index(
    [
      { digest: B, platform: arm64 },
      { digest: A, platform: amd64 },
      { digest: digestOf('c'), platform: amd64 },
    ],
    '1',
  );
  const closure = await read(registry);
  assert.deepEqual(closure.platforms, ['linux/amd64', 'linux/arm64']);
  assert.deepEqual(
    closure.children.map(({ digest, platform }) => [digest, platform]),
    [
      [B, 'linux/arm64'],
      [A, 'linux/amd64'],
      [digestOf('c'), 'linux/amd64'],
    ],
  );
  assert.equal(closure.config, undefined);
  assert.deepEqual(registry.log, ['GET 1']);
});

test('attestations and unknown platforms are attachments, and no platform that can run', async () => {
  const registry = new MemoryRegistry();
  registry.index(
    [
      { digest: A, platform: amd64 },
      { digest: B, platform: amd64, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
      { digest: digestOf('c'), platform: { os: 'unknown', architecture: 'unknown' } },
      { digest: digestOf('d') },
      { digest: digestOf('e'), platform: null, annotations: null },
    ],
    '1',
  );
  const { children, platforms } = await read(registry);
  assert.deepEqual(platforms, ['linux/amd64']);
  assert.deepEqual(
    children.map(({ attachment }) => attachment),
    [false, true, true, false, false],
  );
  assert.ok(!('platform' in (children[3] as object)), 'a child without platform has none');
});

test("Docker's manifest list is an index", async () => {
  const registry = new MemoryRegistry();
  registry.put({ manifests: [{ digest: A, mediaType: 'x', size: 1, platform: amd64 }] }, DOCKER_LIST, '1');
  assert.deepEqual((await read(registry)).platforms, ['linux/amd64']);
});

/** Indexes inside indexes; the innermost has one image. */
function nested(levels: number): MemoryRegistry {
  const registry = new MemoryRegistry();
  let digest = registry.index([{ digest: A, platform: amd64 }], '1');
  for (let level = 1; level < levels; level++) digest = registry.index([{ digest, mediaType: OCI_INDEX }], '1');
  return registry;
}

test('indexes inside indexes are followed by digest, down to a bound', async () => {
  const registry = nested(MAX_INDEX_DEPTH);
  assert.deepEqual((await read(registry)).platforms, ['linux/amd64']);
  assert.equal(registry.log.length, MAX_INDEX_DEPTH);
  await assert.rejects(read(nested(MAX_INDEX_DEPTH + 1)), isProblem('limit', /nested deeper than/));
});

test('the number of manifests is bounded, in one index and over all', async () => {
  const many = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, i) => ({ digest: digestOf(`${prefix}${i}`), platform: amd64 }));
  const full = new MemoryRegistry();
  full.index(many(MAX_CHILDREN, 'a'), '1');
  assert.equal((await read(full)).children.length, MAX_CHILDREN);
  const one = new MemoryRegistry();
  one.index(many(MAX_CHILDREN + 1, 'a'), '1');
  await assert.rejects(read(one), isProblem('protocol', /more than 256 manifests in one index/));
  const all = new MemoryRegistry();
  const parts = ['a', 'b'].map((prefix) => ({
    digest: all.index(many(MAX_CHILDREN - 1, prefix)),
    mediaType: OCI_INDEX,
  }));
  all.index(parts, '1');
  await assert.rejects(read(all), isProblem('limit', /more than 256 manifests/));
});

const malformed: [name: string, put: (registry: MemoryRegistry) => void, message: RegExp][] = [
  ['an index that is no JSON', (r) => r.put('<html>', OCI_INDEX, '1'), /the index of quay\.io\/x\/web is not JSON/],
  ['an index without manifests', (r) => r.put({}, OCI_INDEX, '1'), /the index of .* is malformed: manifests /],
  ['a digest that is none', (r) => r.index([{ digest: 'sha256:1' }], '1'), /manifests\.0\.digest not a digest/],
  [
    'a platform without architecture',
    (r) => r.index([{ digest: A, platform: { os: 'linux' } }], '1'),
    /platform\.architecture/,
  ],
  ['a manifest without configuration', (r) => r.image({}, '1', { config: undefined }), /the manifest of .* config/],
  [
    'a configuration that is no digest',
    (r) => r.image({}, '1', { config: { digest: 'x', mediaType: '', size: 1 } }),
    /config\.digest/,
  ],
  [
    'too many layers',
    (r) => r.image({}, '1', { layers: Array(1001).fill({ digest: A, mediaType: '', size: 1 }) }),
    /layers/,
  ],
  ['a configuration that is no JSON', (r) => r.image('x', '1'), /the configuration of .* is not JSON/],
  ['a configuration with Env that is no list', (r) => r.image({ config: { Env: 'A=1' } }, '1'), /config\.Env/],
];
for (const [name, put, message] of malformed)
  test(`malformed: ${name}`, async () => {
    const registry = new MemoryRegistry();
    put(registry);
    await assert.rejects(read(registry), isProblem('protocol', message));
  });

test('the configuration of one platform', async () => {
  const registry = new MemoryRegistry();
  const config = { Env: ['A=1'], Entrypoint: ['/x'], Cmd: null, User: '1', WorkingDir: '/w', Labels: { a: 'b' } };
  const layers = [{ digest: B, mediaType: 'l', size: 7 }];
  const digest = registry.image({ ...amd64, created: '2026-01-01T00:00:00Z', config }, undefined, { layers });
  assert.deepEqual(await readImageConfig(registry, ref(), digest), {
    digest,
    configDigest: [...registry.blobs.keys()][0],
    platform: 'linux/amd64',
    created: '2026-01-01T00:00:00Z',
    env: ['A=1'],
    entrypoint: ['/x'],
    cmd: [],
    user: '1',
    workingDir: '/w',
    labels: { a: 'b' },
    layers: [{ digest: B, size: 7 }],
  });
});

test('a configuration that says nothing is of an unknown platform', async () => {
  const registry = new MemoryRegistry();
  registry.image({ created: null, config: null }, '1');
  const { config, platforms } = await read(registry);
  assert.deepEqual(platforms, ['unknown/unknown']);
  assert.deepEqual([config?.env, config?.user, config && 'created' in config], [[], '', false]);
});

function isProblem(code: ProblemCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.equal(error.where.image, 'quay.io/x/web:1');
    return true;
  };
}
