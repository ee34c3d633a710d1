// Decisions without a socket: reviews in, answers out, with a real registry on loopback. T-numbers:
// docs/threats.md.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { keyAuthorityYaml } from '../../test/signing/authority.ts';
import { ask, patchOf, pod, startWebhookFixture } from '../../test/webhook-fixture.ts';
import type { Lock } from '../lock/lock.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { signSample } from '../sign/sample.ts';
import { changedImages, imagesOf } from '../source/object.ts';
import type { AdmissionConfig } from './admit.ts';
import { createApp } from './app.ts';
import { Metrics } from './metrics.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
type Intercept = NonNullable<NonNullable<ConstructorParameters<typeof EmbeddedRegistry>[0]>['intercept']>;
let intercept: Intercept = () => false;
const registry = new EmbeddedRegistry({ intercept: (...args) => intercept(...args) });
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000 });
let host = '';
let signed = '';
before(async () => {
  host = await registry.listen();
  signed = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'signed' });
  await signSample(host, 'web', signed, privateKey);
  await pushSample(host, { repository: 'web', tag: 'evil', platforms: ['linux/amd64'], content: 'evil' });
});
after(async () => {
  await client.close();
  await registry.close();
});

const POLICY = () => `authorities:
${keyAuthorityYaml('release', publicKey)}rules:
  - {name: ours, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}
`;

const start = (policy = POLICY(), templates: AdmissionConfig['templates'] = 'enforce', lock?: Lock) =>
  startWebhookFixture(client, policy, { templates, lock });
const good = () => `${host}/web:v1`;
const evil = () => `${host}/web:evil`;

test('mutate writes the verified digest after the tag and keeps the tag; validate admits the result', async () => {
  const { app } = await start();
  const mutated = await ask(app, 'mutate', { object: pod(good()) });
  assert.deepEqual(patchOf(mutated), [
    { op: 'replace', path: '/spec/containers/0/image', value: `${good()}@${signed}` },
  ]);
  assert.equal((await ask(app, 'validate', { object: pod(`${good()}@${signed}`) })).allowed, true);
  const denied = await ask(app, 'validate', { object: pod(evil()) });
  assert.equal(denied.allowed, false);
  assert.match(
    denied.status?.message ?? '',
    /web:evil: rule 'ours': must be signed by 'release'. 'release': not signed at all.*tagproof verify/,
  );
});

test('T13: a container that was added after the mutating step is denied', async () => {
  const { app } = await start();
  const answer = await ask(app, 'validate', { object: pod(`${good()}@${signed}`, good()) });
  assert.match(answer.status?.message ?? '', /added after tagproof wrote the digests/);
});

const places: [name: string, kind: object, object: (image: string) => object][] = [
  [
    'T12: initContainers',
    {},
    (image) => ({ spec: { containers: [], initContainers: [{ name: 'i', image, restartPolicy: 'Always' }] } }),
  ],
  [
    'T12: an image volume',
    {},
    (image) => ({ spec: { containers: [], volumes: [{ name: 'v', image: { reference: image } }] } }),
  ],
  [
    'T11: an ephemeral container',
    { subResource: 'ephemeralcontainers', operation: 'UPDATE', oldObject: {} },
    (image) => ({ spec: { containers: [], ephemeralContainers: [{ name: 'debug', image }] } }),
  ],
  [
    'Deployment',
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
    (image) => ({ spec: { template: pod(image) } }),
  ],
  [
    'CronJob',
    { kind: { group: 'batch', version: 'v1', kind: 'CronJob' } },
    (image) => ({ spec: { jobTemplate: { spec: { template: pod(image) } } } }),
  ],
  [
    'ReplicationController',
    { kind: { group: '', version: 'v1', kind: 'ReplicationController' } },
    (image) => ({ spec: { template: pod(image) } }),
  ],
  ['PodTemplate', { kind: { group: '', version: 'v1', kind: 'PodTemplate' } }, (image) => ({ template: pod(image) })],
  [
    'a custom resource of the catalogue',
    { kind: { group: 'monitoring.coreos.com', version: 'v1', kind: 'Prometheus' } },
    (image) => ({ spec: { image } }),
  ],
  [
    'T14: an invented owner',
    {},
    (image) => ({ ...pod(image), metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'x', uid: 'y' }] } }),
  ],
  [
    'T15: an object that is being deleted',
    { operation: 'UPDATE', oldObject: {} },
    (image) => ({ ...pod(image), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
  ],
  [
    'T16: scaled down and changed at once',
    {
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      operation: 'UPDATE',
      oldObject: { spec: { replicas: 3 } },
    },
    (image) => ({ spec: { replicas: 0, template: pod(image) } }),
  ],
  [
    'T18: an annotation that says "verified"',
    {},
    (image) => ({
      ...pod(image),
      metadata: {
        annotations: {
          'tagproof.dev/verified': 'true',
          'kyverno.io/image-verification-outcomes': '{"p":{"status":"pass"}}',
        },
      },
    }),
  ],
];
for (const [name, more, object] of places) {
  test(`coverage: ${name}`, async () => {
    const { app } = await start();
    assert.equal((await ask(app, 'validate', { ...more, object: object(evil()) })).allowed, false);
    assert.equal((await ask(app, 'validate', { ...more, object: object(`${good()}@${signed}`) })).allowed, true);
  });
}

test('T17: unchanged images pass without a request, even while the registry is down', async () => {
  const { app } = await start();
  registry.log.length = 0;
  intercept = (_, response) => (response.writeHead(503).end(), true);
  const old = pod(evil());
  const relabelled = { ...pod(evil()), metadata: { name: 'p', labels: { a: 'b' } } };
  assert.equal((await ask(app, 'validate', { operation: 'UPDATE', oldObject: old, object: relabelled })).allowed, true);
  intercept = () => false;
  assert.deepEqual(registry.log, []);
  const moved = { spec: { containers: [{ name: 'other', image: evil() }] } };
  assert.equal(
    (await ask(app, 'validate', { operation: 'UPDATE', oldObject: old, object: moved })).allowed,
    false,
    'moved to another container',
  );
});

test('T22, T45, T54: a failing registry is a denial, with a message that reveals nothing to a stranger', async () => {
  const { app, lines } = await start();
  intercept = (request, response) => {
    if (!request.url?.includes('/v2/')) return false;
    response.writeHead(404).end('{"errors":[{"message":"secret project exists"}]}');
    return true;
  };
  const answer = await ask(app, 'validate', { object: pod(`${host}/secret:v1`) });
  intercept = () => false;
  assert.equal(answer.allowed, false);
  // The port is random and may contain these digits.
  assert.doesNotMatch((answer.status?.message ?? '').replaceAll(host, ''), /secret project|404/);
  assert.match(
    JSON.stringify(lines),
    /has no .*secret with tag v1 \(404: secret project exists\)/,
    'the log has the reason',
  );
  intercept = () => true; // never answers
  const slow = await ask(app, 'validate', { object: pod(`${host}/slow:v1`) }, '?timeout=2s');
  intercept = () => false;
  assert.match(slow.status?.message ?? '', /could not check this in time/);
});

test('what was verified stays admitted while the registry is down', async () => {
  const { app } = await start();
  assert.equal((await ask(app, 'validate', { object: pod(`${good()}@${signed}`) })).allowed, true);
  intercept = (_, response) => (response.writeHead(503).end(), true);
  assert.equal((await ask(app, 'validate', { object: pod(`${good()}@${signed}`) })).allowed, true);
  assert.equal(
    (await ask(app, 'validate', { object: pod(`${host}/new:v1`) })).allowed,
    false,
    'and nothing new gets in',
  );
  intercept = () => false;
});

test('T42: five hundred pods, a thousand containers: one request for each fact', async () => {
  const { app } = await start();
  registry.log.length = 0;
  await Promise.all(Array.from({ length: 500 }, () => ask(app, 'mutate', { object: pod(good()) })));
  assert.equal(registry.log.filter((line) => line.startsWith('HEAD')).length, 1);
  assert.equal(registry.log.filter((line) => line.includes('/blobs/')).length, 1);
  const many = await ask(app, 'mutate', { object: pod(...Array<string>(1000).fill(good())) });
  assert.equal(patchOf(many).length, 1000);
});

test('T42: a body that is no review is refused', async () => {
  const { app } = await start();
  for (const body of [
    '',
    '{',
    'null',
    '{"request":null}',
    '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}',
  ])
    assert.equal((await app.request('/validate', { method: 'POST', body })).status, 400, body);
  assert.equal(
    (await ask(app, 'validate', { operation: 'DELETE', object: null, oldObject: pod(evil()) })).allowed,
    true,
  );
  assert.equal((await ask(app, 'validate', { object: pod('not a reference!') })).allowed, false, 'T5');
  const big = await app.request('/validate', { method: 'POST', body: 'x'.repeat(8 * 1024 * 1024) });
  assert.equal(big.status, 413);
});

test('modes: warnings reach kubectl; templates may only be warned about', async () => {
  const warn = await start(POLICY().replace('digest: resolve', 'digest: resolve, mode: warn'));
  const answer = await ask(warn.app, 'validate', { object: pod(`${evil()}@sha256:${'a'.repeat(64)}`) });
  assert.equal(answer.allowed, true);
  assert.match(answer.warnings?.join() ?? '', /^tagproof: .*rule 'ours'/);
  const { app } = await start(POLICY(), 'warn');
  const deployment = {
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    object: { spec: { template: pod(evil()) } },
  };
  const template = await ask(app, 'validate', deployment);
  assert.equal(template.allowed, true);
  assert.match(template.warnings?.join() ?? '', /must be signed/);
});

test('GitOps: a pinned object is never patched', async () => {
  const { app } = await start();
  assert.deepEqual(patchOf(await ask(app, 'mutate', { object: pod(`${good()}@${signed}`) })), []);
  const deployment = {
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    object: { spec: { template: pod(good()) } },
  };
  assert.deepEqual(patchOf(await ask(app, 'mutate', deployment)), [], 'nor an object that only makes pods');
});

test('GitOps without drift: with a lock, tags resolve from the lock alone', async () => {
  const lock: Lock = new Map([[good(), { digest: signed, firstSeen: '2026-01-01T00:00:00Z', source: 'registry' }]]);
  const { app } = await start(POLICY(), 'enforce', lock);
  // The tag has moved since, and no one asks the registry.
  await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'moved' });
  registry.log.length = 0;
  const mutated = await ask(app, 'mutate', { object: pod(good()) });
  assert.deepEqual(
    patchOf(mutated).map(({ value }) => value),
    [`${good()}@${signed}`],
  );
  assert.deepEqual(
    registry.log.filter((line) => line.startsWith('HEAD')),
    [],
  );
  const unknown = await ask(app, 'validate', { object: pod(evil()) });
  assert.match(unknown.status?.message ?? '', /not in the lock of this cluster/);
});

test('without a policy nothing is admitted, and readiness says so', async () => {
  const app = createApp({ config: () => undefined, metrics: new Metrics(), log: () => {} });
  assert.equal((await app.request('/readyz')).status, 503);
  assert.equal((await ask(app, 'validate', { object: pod(good()) })).allowed, false);
});

test('images of objects: pointers, places, and fields that are no images', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { annotations: { image: 'x' }, managedFields: [{ image: 'y' }] },
    spec: {
      containers: [{ name: 'a/b', image: 'one', env: [{ name: 'image', value: 'z' }] }],
      volumes: [{ image: { reference: 'two' } }],
    },
    status: { containerStatuses: [{ image: 'three' }] },
  };
  assert.deepEqual(imagesOf(object, []), [
    { image: 'one', pointer: '/spec/containers/0/image', place: '/spec/containers/name=a/b/image' },
    { image: 'two', pointer: '/spec/volumes/0/image/reference', place: '/spec/volumes/[0]/image/reference' },
  ]);
  const reordered = { ...object, spec: { containers: [{ name: 'new', image: 'one' }, object.spec.containers[0]] } };
  assert.deepEqual(
    changedImages(imagesOf(reordered, []), imagesOf(object, [])).map(({ place }) => place),
    ['/spec/containers/name=new/image'],
  );
});
