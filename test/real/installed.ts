// For suites of the installed webhook: a real API server, what `tagproof manifests` writes applied to it, and two replicas with their
// own rights. No kubelet: see fake-kubelet.ts. What it exports is set by startInstalled.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kube/client.ts';
import { type LocalCluster, startCluster } from '../../src/kube/local.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { signSample } from '../../src/sign/sample.ts';
import { keyAuthorityYaml } from '../signing/authority.ts';
import { type Replica, startReplica } from './fake-kubelet.ts';
import { atEnd, command, scratch } from './suite.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const IMAGE = `ghcr.io/org/tagproof:1@sha256:${'a'.repeat(64)}`;
export const POLICIES = '/apis/tagproof.dev/v1alpha1/imagepolicies';

export let folder = '';
export const at = (name: string) => join(folder, name);
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const registry = new EmbeddedRegistry();
export let host = '';
export let signed = '';
export let cluster: LocalCluster;
export let kube: KubeClient;
export const replicas: Replica[] = [];

export const as = (token: string) =>
  new KubeClient({ ...cluster.access, headers: async () => ({ authorization: `Bearer ${token}` }) });
export const kubectl = (...args: string[]) =>
  command('kubectl', ['--kubeconfig', cluster.kubeconfig, '--cache-dir', at('cache'), ...args]);
/** Not in this process's way: the registry lives in it. */
export const tagproof = (...args: string[]): Promise<{ status: number; out: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: '1' };
    execFile(process.execPath, [MAIN, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), out: stdout + stderr }),
    );
  });
export const pod = (image: string, more: object = {}, name = `p${Math.random().toString(36).slice(2, 9)}`) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image }] },
});
/** Undefined when it was let in, else what was said. */
export const create = async (
  image: string,
  namespace = 'shop',
  client = kube,
  more: object = {},
): Promise<string | undefined> => {
  try {
    await client.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod(image, more));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};
export const until = async (what: string, done: () => Promise<boolean>, seconds = 30) => {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) if (await done()) return;
  assert.fail(`${what}: not within ${seconds} s`);
};
export const condition = async (path: string, type: string) => {
  const { status } = await kube.get(path);
  const { conditions = [] } = (status ?? {}) as {
    conditions?: { type: string; status: string; message: string }[];
  };
  return conditions.find((item) => item.type === type);
};
export const good = () => `${host}/web:v1`;
export const evil = () => `${host}/web:evil`;

/** The registry with a signed and an unsigned image, and the API server; nothing of tagproof is in it yet. */
export async function startInstalled(): Promise<void> {
  folder = scratch();
  host = await registry.listen();
  atEnd(() => registry.close());
  signed = await pushSample(host, { repository: 'web', tag: 'v1', platforms: ['linux/amd64'], content: 'signed' });
  await signSample(host, 'web', signed, privateKey);
  await pushSample(host, { repository: 'web', tag: 'evil', platforms: ['linux/amd64'], content: 'evil' });
  cluster = await startCluster(
    folder,
    ['tenant-token,tenant,2,"tenants"', 'oncall-token,oncall,3,"oncall"'],
    ['--enable-aggregator-routing=true'],
  );
  atEnd(() => cluster.stop());
  kube = new KubeClient(cluster.access);
  atEnd(() => kube.close());
  atEnd(() => Promise.all(replicas.map((replica) => replica.stop(true))));
  for (const name of ['shop', 'lab'])
    await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

/** Applies the manifests, starts two replicas, and waits until they decide. */
export async function installWebhook(): Promise<void> {
  writeFileSync(
    at('policy.yaml'),
    `authorities:\n${keyAuthorityYaml('release', publicKey)}rules:\n  - {name: ours, images: ["${host}/**"], digest: resolve, signatures: {all: [release]}}\n`,
  );
  const { status, out } = await tagproof(
    'manifests',
    '--image',
    IMAGE,
    '--policy',
    'policy.yaml',
    '--pull-secrets',
    '--report-every',
    '1h',
  );
  assert.equal(status, 0, out);
  writeFileSync(at('manifests.yaml'), out);
  await kubectl('apply', '--validate=false', '-f', at('manifests.yaml'));
  replicas.push(await startReplica(kube, folder, 'replica-a'), await startReplica(kube, folder, 'replica-b'));
  await until('a signed pod is let in', async () => (await create(good())) === undefined);
  assert.match((await create(evil())) ?? '', /must be signed by 'release'/);
  const { data } = await kube.get('/api/v1/namespaces/tagproof/secrets/tagproof-admission');
  assert.deepEqual(Object.keys(data as object).sort(), ['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
  const failed = replicas.flatMap(({ log }) => log.filter((line) => /could not|cannot/.test(line)));
  assert.deepEqual(failed, [], 'every right that it needs is there');
}

export async function metrics(port: number): Promise<string> {
  const { Agent, request } = await import('undici');
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const { body } = await request(`https://127.0.0.1:${port}/metrics`, { dispatcher });
  const text = await body.text();
  await dispatcher.destroy();
  return text;
}
