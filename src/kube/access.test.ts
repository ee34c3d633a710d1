// Where the API server is and as whom we call it: the service account in a cluster, a kubeconfig elsewhere.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inClusterAccess, isInCluster, kubeconfigAccess } from './access.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-access-'));
after(() => rmSync(folder, { recursive: true }));
const put = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('in a cluster: the address from the environment, the token read for every request', async () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  assert.equal(isInCluster(env, folder), false, 'no token');
  put('token', 'first\n');
  put('ca.crt', 'CA');
  assert.equal(isInCluster(env, folder), true);
  assert.equal(isInCluster({}, folder), false);
  const access = inClusterAccess({ ...env, KUBERNETES_SERVICE_PORT: '6443' }, folder);
  assert.equal(access.server, 'https://10.0.0.1:6443');
  assert.equal(access.namespace, 'default', 'without a namespace file');
  assert.deepEqual(await access.headers(), { authorization: 'Bearer first' });
  put('token', 'second');
  assert.deepEqual(await access.headers(), { authorization: 'Bearer second' }, 'the kubelet rotates tokens');
  put('namespace', 'tagproof\n');
  assert.equal(inClusterAccess(env, folder).namespace, 'tagproof');
  assert.equal(inClusterAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder).server, 'https://[fd00::1]:443');
  assert.throws(() => inClusterAccess({}, folder), /KUBERNETES_SERVICE_HOST is not set/);
});

const CONFIG = `apiVersion: v1
kind: Config
current-context: one
clusters:
  - {name: a, cluster: {server: "https://a.test:6443/", certificate-authority-data: "Q0E="}}
  - {name: b, cluster: {server: "https://b.test/k8s", proxy-url: "http://proxy.test:3128"}}
users:
  - {name: token, user: {token: abc}}
  - {name: basic, user: {username: ann, password: s}}
contexts:
  - {name: one, context: {cluster: a, user: token, namespace: shop}}
  - {name: two, context: {cluster: b, user: basic}}
`;

test('a kubeconfig: server, CA, token, namespace, proxy', async () => {
  const file = put('config', CONFIG);
  const one = await kubeconfigAccess(file);
  assert.equal(one.server, 'https://a.test:6443', 'without the trailing slash');
  assert.deepEqual([one.namespace, one.name, one.proxy], ['shop', 'one', undefined]);
  assert.equal(String(one.tls.ca), 'CA');
  assert.equal((await one.headers())['authorization'], 'Bearer abc');
  const two = await kubeconfigAccess(file, 'two');
  assert.deepEqual([two.server, two.namespace, two.proxy], ['https://b.test/k8s', 'default', 'http://proxy.test:3128']);
  assert.equal((await two.headers())['authorization'], `Basic ${Buffer.from('ann:s').toString('base64')}`);
});

test('what is missing is named', async () => {
  const file = put('config', CONFIG);
  await assert.rejects(kubeconfigAccess(file, 'three'), /no context 'three'; expected one of one, two/);
  await assert.rejects(kubeconfigAccess(join(folder, 'gone')), /gone/);
  const empty = put('empty', 'apiVersion: v1\nkind: Config\n');
  await assert.rejects(kubeconfigAccess(empty), /names no cluster/);
});
