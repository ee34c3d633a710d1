// What is evaluated at all: operations, kinds, template modes, and registries that must not be contacted.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ask, patchOf, pod, startWebhookFixture } from '../../test/webhook-fixture.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';

const registry = new EmbeddedRegistry();
const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 2000 });
let host = '';
let digest = '';
before(async () => {
  host = await registry.listen();
  digest = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'web' });
});
beforeEach(() => {
  registry.log.length = 0;
});
after(async () => {
  await client.close();
  await registry.close();
});

const DEPLOYMENT = { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } };
const policy = (more = '') => `rules: [{name: r, images: ["**"], digest: resolve${more}}]`;
/** A policy whose only rule applies to none of the images here, so that each is denied. */
const NO_RULE = 'rules: [{name: other, images: ["other.io/x"], digest: required}]';
const D = (hex: string) => `x.io/a@sha256:${hex.repeat(64)}`;

test('no byte goes to a registry that the rules do not allow', async () => {
  const { app } = await startWebhookFixture(client, policy(', registries: [ghcr.io]'));
  for (const step of ['mutate', 'validate'] as const) {
    const answer = await ask(app, step, { object: pod(`${host}/web:v1`) });
    if (step === 'validate') assert.match(answer.status?.message ?? '', /must come from ghcr\.io/);
    assert.deepEqual(patchOf(answer), []);
  }
  assert.deepEqual(registry.log, []);
});

test('no byte goes to a registry for an image whose digest no rule needs', async () => {
  const { app } = await startWebhookFixture(
    client,
    `rules: [{name: r, images: ["**"], digest: 'off', registries: ["${host}"]}]`,
  );
  assert.equal((await ask(app, 'validate', { object: pod(`${host}/web:v1`) })).allowed, true);
  assert.deepEqual(registry.log, []);
});

test('`required` never writes a digest: the object must have it already', async () => {
  const { app } = await startWebhookFixture(client, 'rules: [{name: r, images: ["**"], digest: required}]');
  assert.deepEqual(patchOf(await ask(app, 'mutate', { object: pod(`${host}/web:v1`) })), []);
  const denied = await ask(app, 'validate', { object: pod(`${host}/web:v1`) });
  assert.match(denied.status?.message ?? '', /must be pinned to a digest/);
  assert.equal((await ask(app, 'validate', { object: pod(`${host}/web:v1@${digest}`) })).allowed, true);
});

test('nor does it write a digest that other demands of the rule need', async () => {
  const { app } = await startWebhookFixture(
    client,
    'rules: [{name: r, images: ["**"], digest: required, platforms: [linux/amd64]}]',
  );
  assert.deepEqual(patchOf(await ask(app, 'mutate', { object: pod(`${host}/web:v1`) })), []);
  assert.equal((await ask(app, 'validate', { object: pod(`${host}/web:v1`) })).allowed, false);
});

for (const operation of ['DELETE', 'CONNECT'])
  test(`${operation} is admitted whatever the object contains`, async () => {
    const { app } = await startWebhookFixture(client, NO_RULE);
    const answer = await ask(app, 'validate', { operation, object: pod('evil:1'), oldObject: pod('evil:1') });
    assert.deepEqual(answer, { uid: 'u', allowed: true });
  });

test('an object without images, or no object, is admitted without a log line', async () => {
  const { app, lines } = await startWebhookFixture(client, NO_RULE);
  for (const object of [{ spec: { containers: [] } }, {}, null])
    assert.equal((await ask(app, 'validate', { object })).allowed, true);
  assert.deepEqual(lines, []);
});

test('T16: on CREATE nothing counts as unchanged, even with an old object in the review', async () => {
  const { app } = await startWebhookFixture(client, NO_RULE);
  const answer = await ask(app, 'validate', { operation: 'CREATE', object: pod(D('a')), oldObject: pod(D('a')) });
  assert.equal(answer.allowed, false);
});

test('T17: an update is compared image by image and container by container', async () => {
  const { app } = await startWebhookFixture(client, NO_RULE);
  const update = async (now: string[], old: string[]) =>
    (await ask(app, 'validate', { operation: 'UPDATE', object: pod(...now), oldObject: pod(...old) })).allowed;
  const [a, b] = [D('a'), D('b')];
  assert.equal(await update([a, b], [a, b]), true, 'unchanged');
  assert.equal(await update([a], [a, b]), true, 'a container was removed');
  assert.equal(await update([a, b], [b, a]), false, 'two containers were exchanged');
  assert.equal(await update([a, a], [a]), false, 'a container was added with a known image');
  assert.equal(await update([a, b], [a, a]), false, 'one image was changed');
});

test('T11: an ephemeral container is compared with the ephemeral containers only', async () => {
  const { app } = await startWebhookFixture(client, NO_RULE);
  const withDebug = (image: string) => ({ spec: { containers: [], ephemeralContainers: [{ name: 'c0', image }] } });
  const review = (object: object, oldObject: object) =>
    ask(app, 'validate', { operation: 'UPDATE', subResource: 'ephemeralcontainers', object, oldObject });
  assert.equal((await review(withDebug(D('a')), withDebug(D('a')))).allowed, true);
  assert.equal((await review(withDebug(D('a')), pod(D('a')))).allowed, false, 'known as a container of the same name');
  assert.equal((await review(withDebug(D('b')), withDebug(D('a')))).allowed, false);
});

test('T20: exemptions go by image and namespace; labels of the object decide nothing', async () => {
  const exemption = 'exemptions: [{images: ["x.io/a"], namespaces: [attic], reason: old}]\n';
  const { app } = await startWebhookFixture(client, `${NO_RULE}\n${exemption}`);
  const labelled = { ...pod(D('a')), metadata: { labels: { namespace: 'attic', 'tagproof.dev/exempt': 'true' } } };
  assert.equal((await ask(app, 'validate', { namespace: 'attic', object: labelled })).allowed, true);
  assert.equal((await ask(app, 'validate', { namespace: 'shop', object: labelled })).allowed, false);
  const moved = { ...labelled, metadata: { ...labelled.metadata, namespace: 'attic' } };
  assert.equal((await ask(app, 'validate', { namespace: 'shop', object: moved })).allowed, false, 'T21');
});

const modes: [mode: 'enforce' | 'warn' | 'ignore', allowed: boolean, warned: boolean][] = [
  ['enforce', false, false],
  ['warn', true, true],
  ['ignore', true, false],
];
for (const [templates, allowed, warned] of modes)
  test(`templates: ${templates}`, async () => {
    const { app } = await startWebhookFixture(client, NO_RULE, { templates });
    const answer = await ask(app, 'validate', { ...DEPLOYMENT, object: { spec: { template: pod('evil:1') } } });
    assert.equal(answer.allowed, allowed);
    assert.equal((answer.warnings ?? []).length > 0, warned);
    const asPod = await ask(app, 'validate', { object: pod('evil:1') });
    assert.equal(asPod.allowed, false, 'pods are always held to the policy');
    const fake = { kind: { group: 'evil.dev', version: 'v1', kind: 'Pod' }, object: pod('evil:1') };
    assert.equal((await ask(app, 'validate', fake)).allowed, templates !== 'enforce', 'only core pods are pods');
  });

test('the kind is that of the request, not that of the object', async () => {
  const kinds = 'rules: [{name: pods, images: ["**"], digest: required, kinds: [Pod]}]';
  const { app } = await startWebhookFixture(client, kinds);
  const disguised = { ...pod('x.io/a:1'), kind: 'Deployment' };
  assert.match((await ask(app, 'validate', { object: disguised })).status?.message ?? '', /pinned to a digest/);
});

test('one denied image denies the object, and each denied image is named', async () => {
  const { app } = await startWebhookFixture(client, policy());
  const answer = await ask(app, 'validate', { object: pod(`${host}/web:v1@${digest}`, 'bad image', 'also bad') });
  assert.equal(answer.allowed, false);
  assert.match(answer.status?.message ?? '', /bad image: .*\| also bad: /);
});
