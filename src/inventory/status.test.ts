// Identity by closure: the imageIDs that real runtimes write, and no false drift.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parseReference, withDigest } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { readClosure, readImageConfig } from '../resolve/closure.ts';
import type { DeployedContainer } from './deployed.ts';
import { digestIn } from './image-identity.ts';
import { inventoryOf } from './inventory.ts';
import { type Owner, podOf } from './pods.ts';
import { queryStatus, type StatusOptions } from './status.ts';

const A = `sha256:${'a'.repeat(64)}`;

const ids: [imageId: string, digest: string | undefined][] = [
  [`ghcr.io/org/app@${A}`, A],
  [`docker-pullable://ghcr.io/org/app@${A}`, A],
  [`docker://${A}`, A],
  [A, A],
  ['a'.repeat(64), A],
  [`localhost:5000/x@${A}`, A],
  ['', undefined],
  ['ghcr.io/org/app:v1', undefined],
  ['sha256:short', undefined],
];
for (const [imageId, digest] of ids)
  test(`imageID '${imageId}' is ${digest ?? 'nothing'}`, () => assert.equal(digestIn(imageId), digest));

type Container = { name?: string; image: string; imageID?: string };
let count = 0;
function pod(
  containers: Container[],
  more: { owner?: Owner; node?: string; phase?: string; init?: Container[]; volumes?: object[]; mirror?: boolean } = {},
) {
  const spec = (list: Container[]) => list.map(({ name = 'c', image }) => ({ name, image }));
  const status = (list: Container[]) => list.map(({ name = 'c', imageID = '' }) => ({ name, imageID }));
  const { owner, node = 'node-1', phase = 'Running', init = [], volumes = [], mirror } = more;
  const name = `p${count++}`;
  return podOf({
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      ...(owner !== undefined && { ownerReferences: [{ ...owner, controller: true }] }),
      ...(mirror && { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    },
    spec: { nodeName: node, containers: spec(containers), initContainers: spec(init), volumes },
    status: { phase, containerStatuses: status(containers), initContainerStatuses: status(init) },
  });
}
const set: Owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs' };
const deployment: Owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd' };
const owners = new Map([
  ['rs', deployment],
  ['rs2', deployment],
]);

test('rows: init containers, image volumes, finished pods, static pods, replicas over nodes', () => {
  const rows = inventoryOf(
    'prod',
    [
      pod([{ image: 'web:1', imageID: `web@${A}` }], {
        owner: set,
        node: 'a',
        init: [{ name: 'setup', image: 'setup:1', imageID: A }],
      }),
      pod([{ image: 'web:1', imageID: `web@${A}` }], {
        owner: set,
        node: 'b',
        volumes: [{ name: 'data', image: { reference: 'data:1' } }],
      }),
      pod([{ image: 'web:1', imageID: `web@${A}` }], { owner: set, phase: 'Succeeded' }),
      pod([{ image: 'etcd:1', imageID: `etcd@${A}` }], {
        owner: { apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'node' },
        mirror: true,
      }),
      pod([{ image: 'new:1' }], { owner: set }),
    ],
    owners,
  );
  assert.deepEqual(
    rows.map(
      ({ kind, name, container, type, pods, running }) =>
        `${kind}/${name} ${container} ${type} ${pods} ${running.map((item) => `${item.digest === A ? 'A' : item.digest}x${item.pods}@${item.nodes}`)}`,
    ),
    [
      'Deployment/web setup init 1 Ax1@a',
      'Deployment/web c container 3 Ax2@a,b,undefinedx1@node-1',
      'Deployment/web data volume 1 undefinedx1@b',
      'Pod/p3 c container 1 Ax1@node-1',
    ],
  );
});

test('mixed replicas: one template, two digests; a rollout is none', () => {
  const B = `sha256:${'b'.repeat(64)}`;
  const mixed = (pods: ReturnType<typeof pod>[]) => inventoryOf('c', pods, owners).some((row) => row.mixed);
  const run = (image: string, digest: string, owner = set) => pod([{ image, imageID: `web@${digest}` }], { owner });
  assert.equal(mixed([run('web:1', A), run('web:1', B)]), true);
  assert.equal(mixed([run('web:1', A), run('web:1', A), pod([{ image: 'web:1' }], { owner: set })]), false);
  assert.equal(mixed([run('web:1', A), run('web:2', B)]), false, 'a template that changed');
  assert.equal(mixed([run('web:1', A), run('web:1', B, { ...set, uid: 'rs2' })]), false, 'a rollout');
});

const registry = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1 });
let host = '';
before(async () => void (host = await registry.listen()));
after(async () => {
  await client.close();
  await registry.close();
});

const identitiesOf = ({ running }: DeployedContainer) => running.map(({ identity }) => identity);

async function queryOne(
  image: string,
  imageID: string | undefined,
  reader: StatusOptions['reader'] = client,
): Promise<DeployedContainer> {
  const rows = inventoryOf('c', [pod([{ image, ...(imageID !== undefined && { imageID }) }])], new Map());
  return (await queryStatus(rows, { reader }))[0] as DeployedContainer;
}

test('index, manifest and configuration are one image, whatever repository the runtime names', async () => {
  const index = await pushSample(host, {
    repository: 'web',
    tag: 'v1',
    platforms: ['linux/amd64', 'linux/arm64'],
    content: 'one',
  });
  const image = `${host}/web:v1`;
  const reference = withDigest(parseReference(image) as Reference, index);
  const { children } = await readClosure(client, reference);
  const manifest = children[1]?.digest as string;
  const { configDigest } = await readImageConfig(client, reference, manifest);
  for (const imageID of [
    `${host}/web@${index}`,
    `${host}/web@${manifest}`,
    `other.test/copy@${manifest}`,
    `docker-pullable://x@${index}`,
    configDigest,
  ]) {
    assert.deepEqual(identitiesOf(await queryOne(image, imageID)), [{ state: 'same' }], imageID);
    assert.deepEqual(identitiesOf(await queryOne(`${image}@${index}`, imageID)), [{ state: 'exact' }], imageID);
  }
  const old = index;
  const now = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'two' });
  assert.deepEqual(identitiesOf(await queryOne(image, `${host}/web@${old}`)), [{ state: 'moved', now }]);
  assert.deepEqual(identitiesOf(await queryOne(`${image}@${old}`, `${host}/web@${now}`)), [
    { state: 'different', declared: old },
  ]);
  // An image that was loaded onto a node has only a configuration: that it is not in the closure
  // proves nothing.
  const [loaded] = identitiesOf(await queryOne(image, A));
  assert.equal(loaded?.state, 'unknown');
});

test('what cannot be known is unknown, with the reason, and never counts as good', async () => {
  const index = await pushSample(host, { repository: 'known', tag: 'v1', platforms: ['linux/amd64'], content: 'x' });
  const cases: [image: string, imageID: string | undefined, reader: RegistryClient | undefined, reason: RegExp][] = [
    [`${host}/known:v1`, undefined, client, /its node has not reported/],
    [`${host}/known:v1`, 'weird', client, /contains no digest/],
    [`${host}/gone:v1`, `x@${A}`, client, /its tag is gone/],
    [`${host}/known:v1`, `x@${index}`, undefined, /registries were not queried/],
    ['not a reference!', `x@${A}`, client, /not a valid reference/],
  ];
  for (const [image, imageID, reader, reason] of cases) {
    const rows = inventoryOf('c', [pod([{ image, ...(imageID !== undefined && { imageID }) }])], new Map());
    const [status] = await queryStatus(rows, { reader });
    const identity = status?.running[0]?.identity;
    assert.equal(identity?.state, 'unknown', image);
    assert.match(identity?.state === 'unknown' ? identity.reason : '', reason);
  }
  // A registry that serves the tag but not the manifest: an incomplete closure proves no
  // difference.
  const partial = {
    head: client.head.bind(client),
    expect: client.expect.bind(client),
    blob: client.blob.bind(client),
    manifest: () => Promise.reject(new Problem('unreachable', 'no answer')),
  };
  assert.deepEqual(identitiesOf(await queryOne(`${host}/known:v1`, `x@${A}`, partial)), [
    { state: 'unknown', reason: 'the declared image could not be read from its registry' },
  ]);
  // A declared digest that runs is exact, without a registry.
  const [pinned] = await queryStatus(inventoryOf('c', [pod([{ image: `x@${A}`, imageID: `x@${A}` }])], new Map()), {
    reader: undefined,
  });
  assert.deepEqual(pinned?.running[0]?.identity, { state: 'exact' });
});

test('a rollout of a new tag is no drift: each pod is compared with what it declares itself', async () => {
  const [v1, v2] = await Promise.all(
    ['v1', 'v2'].map((tag) =>
      pushSample(host, { repository: 'rollout', tag, platforms: ['linux/amd64'], content: tag }),
    ),
  );
  const run = (tag: string, digest: string | undefined) =>
    pod([{ image: `${host}/rollout:${tag}`, imageID: `x@${digest}` }], { owner: set });
  const [row] = await queryStatus(inventoryOf('c', [run('v1', v1), run('v2', v2)], owners), { reader: client });
  assert.deepEqual(row?.declared.length, 2);
  assert.deepEqual(identitiesOf(row as DeployedContainer), [{ state: 'same' }, { state: 'same' }]);
  const [swapped] = await queryStatus(inventoryOf('c', [run('v1', v2), run('v2', v2)], owners), { reader: client });
  assert.deepEqual(identitiesOf(swapped as DeployedContainer), [{ state: 'moved', now: v1 }, { state: 'same' }]);
});
