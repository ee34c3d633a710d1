// Pull secrets: only those of the object's own namespace (T51), of the right types, in the kubelet's order; one
// registry access for each set of secrets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeKube } from '../../test/fake-kube.ts';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import type { KubeObject } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { makeRegistryAccess, PullSecrets, podSpecOf, type RegistryAccess } from './pull-secrets.ts';

/** Answers every request by the user name of its credentials. */
let seen: string[] = [];
const registry = new EmbeddedRegistry({
  intercept: (request, response) => {
    const { authorization } = request.headers;
    if (authorization === undefined)
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end(), true;
    seen.push(Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':')[0] as string);
    return response.writeHead(404).end(), true;
  },
});
let host = '';
before(async () => void (host = await registry.listen()));
after(() => registry.close());

const b64 = (text: string) => Buffer.from(text).toString('base64');
const dockerConfig = (user: string) => JSON.stringify({ auths: { [host]: { auth: b64(`${user}:p`) } } });
const secret = (name: string, user: string, more: object = {}): KubeObject => ({
  metadata: { name, resourceVersion: '1' },
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': b64(dockerConfig(user)) },
  ...more,
});

function setUp() {
  const kube = new FakeKube();
  const ambient = async () => ({ kind: 'basic' as const, username: 'webhook', password: 'p' });
  const options = { credentials: ambient, backoffMs: 1, deadlineMs: 2000 };
  const plain = makeRegistryAccess(new RegistryClient(options));
  const put = (namespace: string, object: KubeObject, kind = 'secrets') =>
    kube.objects.set(`/api/v1/namespaces/${namespace}/${kind}/${object.metadata?.name}`, object);
  return { kube, plain, put, secrets: new PullSecrets(kube.client, options, plain) };
}
const pod = (names: string[], serviceAccountName?: string) => ({
  spec: {
    imagePullSecrets: names.map((name) => ({ name })),
    ...(serviceAccountName !== undefined && { serviceAccountName }),
  },
});
/** The user names that the registry sees. */
async function usersOf({ client }: RegistryAccess): Promise<string[]> {
  seen = [];
  await client.head(parseReference(`${host}/x:1`) as Reference).catch(() => {});
  await client.close();
  return [...new Set(seen)];
}

test('T51: a pull secret is looked up in the namespace of the object only', async () => {
  const { secrets, put, plain } = setUp();
  put('shop', secret('pull', 'shop-user'));
  assert.deepEqual(await usersOf(await secrets.of({ namespace: 'shop', object: pod(['pull']) })), ['shop-user']);
  assert.equal(await secrets.of({ namespace: 'lab', object: pod(['pull']) }), plain);
});

test("the pod's own secrets come first, then those of its service account", async () => {
  const { secrets, put, kube } = setUp();
  put('shop', secret('own', 'own-user'));
  put('shop', secret('account', 'account-user'));
  put('shop', { metadata: { name: 'robot' }, imagePullSecrets: [{ name: 'account' }] }, 'serviceaccounts');
  const of = async (names: string[], account?: string) =>
    (await usersOf(await secrets.of({ namespace: 'shop', object: pod(names, account) })))[0];
  assert.equal(await of(['own'], 'robot'), 'own-user');
  assert.equal(await of([], 'robot'), 'account-user');
  assert.equal(await of(['missing'], 'robot'), 'account-user', 'a missing secret is skipped');
  put('shop', { metadata: { name: 'default' }, imagePullSecrets: [{ name: 'own' }] }, 'serviceaccounts');
  assert.equal(await of([]), 'own-user', 'without a name it is the default account');
  assert.ok(kube.reads.every((path) => path.startsWith('/api/v1/namespaces/shop/')));
});

const types: [name: string, more: object, user: string][] = [
  ['the legacy type is read', { type: 'kubernetes.io/dockercfg', data: {} }, 'legacy'],
  ['an opaque Secret is not', { type: 'Opaque' }, 'webhook'],
  ['a TLS Secret is not', { type: 'kubernetes.io/tls' }, 'webhook'],
  ['the content must fit the type', { type: 'kubernetes.io/dockercfg' }, 'webhook'],
  ['an empty Secret is skipped', { data: {} }, 'webhook'],
  ['legacy content in an opaque Secret is not read', { type: 'Opaque', data: {} }, 'webhook'],
];
for (const [name, more, user] of types)
  test(`types of Secrets: ${name}`, async () => {
    const { secrets, put } = setUp();
    const legacy = { '.dockercfg': b64(JSON.stringify({ [host]: { auth: b64('legacy:p') } })) };
    put('shop', secret('pull', 'user', { ...more, ...(name.includes('legacy') && { data: legacy }) }));
    assert.deepEqual(await usersOf(await secrets.of({ namespace: 'shop', object: pod(['pull']) })), [user]);
  });

test('without pull secrets, and for cluster-scoped objects, the webhook’s own access is used', async () => {
  const { secrets, plain } = setUp();
  assert.equal(await secrets.of({ namespace: 'shop', object: pod([]) }), plain);
  assert.equal(await secrets.of({ namespace: '', object: pod(['pull']) }), plain);
  assert.equal(await secrets.of({ namespace: 'shop', object: null }), plain);
});

test('one access for each set of secrets: leases are not shared, and are kept while the secrets are unchanged', async () => {
  const { secrets, put, kube, plain } = setUp();
  put('shop', secret('a', 'a'));
  put('shop', secret('b', 'b'));
  const of = (name: string, now: number) => secrets.of({ namespace: 'shop', object: pod([name]) }, now);
  const [a, b] = [await of('a', 0), await of('b', 0)];
  assert.notEqual(a.leases, b.leases);
  assert.notEqual(a.leases, plain.leases);
  kube.reads.length = 0;
  assert.equal(await of('a', 59_999), a);
  assert.deepEqual(kube.reads, [], 'not read again within a minute');
  assert.equal(await of('a', 60_000), a, 'unchanged');
  assert.notEqual(kube.reads.length, 0);
  put('shop', secret('a', 'new', { metadata: { name: 'a', resourceVersion: '2' } }));
  const renewed = await of('a', 120_000);
  assert.notEqual(renewed, a);
  assert.deepEqual(await usersOf(renewed), ['new']);
});

test('concurrent reviews read the secrets once', async () => {
  const { secrets, put, kube } = setUp();
  put('shop', secret('a', 'a'));
  await Promise.all(Array.from({ length: 50 }, () => secrets.of({ namespace: 'shop', object: pod(['a']) }, 0)));
  assert.equal(kube.reads.length, 2, 'the service account and the secret');
});

test('T42: at most twenty secrets of one pod are read', async () => {
  const { secrets, kube } = setUp();
  await secrets.of({ namespace: 'shop', object: pod(Array.from({ length: 100 }, (_, i) => `s${i}`)) });
  assert.equal(kube.reads.filter((path) => path.includes('/secrets/')).length, 20);
});

test('T22: secrets that cannot be read make the check fail, and are read again next time', async () => {
  const { secrets, put, kube } = setUp();
  put('shop', secret('a', 'a'));
  const path = '/api/v1/namespaces/shop/secrets/a';
  kube.failures.set(path, new Problem('unreachable', 'down'));
  const broken = await secrets.of({ namespace: 'shop', object: pod(['a']) }, 0);
  const failure = await broken.client.head(parseReference(`${host}/x:1`) as Reference).then(
    () => undefined,
    (error: Problem) => error,
  );
  assert.equal(failure?.code, 'credentials');
  assert.match(failure?.message ?? '', /pull secrets of namespace shop: .*down/);
  kube.failures.clear();
  assert.deepEqual(await usersOf(await secrets.of({ namespace: 'shop', object: pod(['a']) }, 1)), ['a']);
});

test('the pod spec is found in every kind that has one', () => {
  const spec = { serviceAccountName: 'x' };
  assert.equal(podSpecOf({ spec }), spec);
  assert.equal(podSpecOf({ spec: { template: { spec } } }), spec);
  assert.equal(podSpecOf({ spec: { jobTemplate: { spec: { template: { spec } } } } }), spec);
  assert.equal(podSpecOf({ template: { spec } }), spec);
  assert.equal(podSpecOf({}), undefined);
});
