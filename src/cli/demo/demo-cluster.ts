// tagproof demo --cluster: the webhook on a real API server on loopback, without nodes: what it
// admits, what it denies, and how to bypass it in an emergency.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdmissionServer } from '../../admission/server.ts';
import { makeCertificates } from '../../install/certificate.ts';
import { manifests } from '../../install/manifests.ts';
import { KubeClient } from '../../kube/client.ts';
import { type LocalCluster, startCluster } from '../../kube/local.ts';
import { asProblem, Problem } from '../../problem.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';
import { signSample } from '../../sign/sample.ts';
import { run as simulate } from '../cluster/simulate.ts';
import { paint, say, title } from './stage.ts';

const TAGPROOF = '/apis/tagproof.dev/v1alpha1';
const SHOP = '/api/v1/namespaces/shop';
const WAIT_MS = 15_000;

/** @returns 0 when every step ended as it should: the demo is a test of itself */
export async function demoCluster(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-demo-'));
  const registry = new EmbeddedRegistry();
  const ends: (() => unknown)[] = [() => registry.close()];
  try {
    const host = await registry.listen();
    say('starting etcd and kube-apiserver on loopback …');
    const cluster = await startCluster(folder).catch((error) => {
      const problem = asProblem(error, 'unreachable');
      throw new Problem('usage', `${problem.message}: demo --cluster needs etcd and kube-apiserver on the PATH`);
    });
    ends.unshift(() => cluster.stop());
    const kube = new KubeClient(cluster.access);
    ends.unshift(() => kube.close());
    const server = await install(kube);
    ends.unshift(() => server.stop());
    return await play(kube, cluster, host);
  } finally {
    for (const end of ends) await end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The definitions and webhooks of `tagproof manifests`, answered by this process. */
async function install(kube: KubeClient): Promise<AdmissionServer> {
  const tls = await makeCertificates(['localhost']);
  const server = new AdmissionServer({
    templates: 'enforce',
    host: '127.0.0.1',
    port: 0,
    tls,
    kube,
    userAgent: 'tagproof-demo',
    log: () => {},
  });
  const objects = manifests({
    namespace: 'tagproof',
    image: 'demo',
    policy: '',
    tls,
    cluster: true,
    pullSecrets: false,
    exemptNamespaces: ['kube-system'],
    failurePolicy: 'Fail',
    templates: 'enforce',
    replicas: 1,
  }) as {
    kind: string;
    apiVersion: string;
    webhooks?: { clientConfig: { service?: { path: string }; url?: string } }[];
  }[];
  for (const object of objects.filter(({ kind }) => kind === 'CustomResourceDefinition'))
    await kube.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object);
  const port = await server.start();
  for (const object of objects.filter(({ kind }) => kind.endsWith('WebhookConfiguration'))) {
    for (const { clientConfig } of object.webhooks ?? []) {
      clientConfig.url = `https://localhost:${port}${clientConfig.service?.path}`;
      delete clientConfig.service;
    }
    await kube.create(`/apis/${object.apiVersion}/${object.kind.toLowerCase()}s`, object);
  }
  await kube.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  return server;
}

async function play(kube: KubeClient, cluster: LocalCluster, host: string): Promise<number> {
  const wrong: string[] = [];
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const push = (content: string, tag = 'v1') =>
    pushSample(host, { repository: 'shop/web', tag, platforms: ['linux/amd64'], content });
  const digest = await push('web');
  await signSample(host, 'shop/web', digest, privateKey);
  const image = `${host}/shop/web:v1`;

  title(
    'A policy, as an object of the cluster',
    'Only what the release key signed may run; the webhook replaces tags by digests.',
  );
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const rule = { name: 'signed', images: [`${host}/**`], digest: 'resolve', signatures: { all: ['release'] } };
  const spec = { authorities: { release: { keys: [key], transparencyLog: 'ignore' } }, rules: [rule] };
  await kube.create(`${TAGPROOF}/imagepolicies`, {
    apiVersion: 'tagproof.dev/v1alpha1',
    kind: 'ImagePolicy',
    metadata: { name: 'shop' },
    spec,
  });
  say(`ImagePolicy shop: ${JSON.stringify(rule)}`);
  await ready(kube, image);

  const step = async (line: string, expected: 'admitted' | 'denied', task: () => Promise<unknown>) => {
    process.stdout.write(`\n${paint('cyan', `$ ${line}`)}\n`);
    const [outcome, message] = await task().then(
      (answer) => ['admitted', imageOf(answer)] as const,
      (error) => ['denied', (error as Error).message] as const,
    );
    say(`${paint(outcome === 'admitted' ? 'green' : 'red', outcome)}: ${message}`);
    if (outcome !== expected) wrong.push(`${line}: ${outcome}, expected ${expected}`);
  };
  const run = (name: string) => () => kube.create(`${SHOP}/pods`, podOf(name, image));

  title('A signed image', 'The pod keeps its tag and gets the digest that was verified.');
  await step(`kubectl -n shop run web --image ${image}`, 'admitted', run('web'));

  const moved = await push('web, and something else');
  title(
    'Someone moves the tag',
    `shop/web:v1 is now ${moved.slice(0, 19)}…, which nobody signed. A cached tag expires within 30 seconds.`,
  );
  const evil = `${host}/shop/web:v2`;
  await push('web, and something else', 'v2');
  await step(`kubectl -n shop run other --image ${evil}`, 'denied', () =>
    kube.create(`${SHOP}/pods`, podOf('other', evil)),
  );
  await step(`kubectl -n shop debug web --image ${evil}`, 'denied', () => {
    const ephemeralContainers = [{ name: 'debug', image: evil }];
    return kube.patch(`${SHOP}/pods/web/ephemeralcontainers`, 'merge', { spec: { ephemeralContainers } });
  });
  const workload = (name: string, ref: string) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: ref }] } },
    },
  });
  const deployments = '/apis/apps/v1/namespaces/shop/deployments';
  await step(`kubectl -n shop create deployment web --image ${evil}`, 'denied', () =>
    kube.create(deployments, workload('web', evil)),
  );

  title(
    'An emergency',
    'Whoever has the right admits one image for some hours, with a reason. Everyone can see that afterwards.',
  );
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const bypass = { images: [evil], reason: 'incident 4711: the signer is down', until };
  await step(`kubectl -n shop apply -f bypass.yaml    # ${JSON.stringify(bypass)}`, 'admitted', () =>
    kube.create(`${TAGPROOF}/namespaces/shop/bypasses`, {
      apiVersion: 'tagproof.dev/v1alpha1',
      kind: 'Bypass',
      metadata: { name: 'incident-4711' },
      spec: bypass,
    }),
  );
  await sleep(1000);
  await step(`kubectl -n shop run other --image ${evil}`, 'admitted', () =>
    kube.create(`${SHOP}/pods`, podOf('other', evil)),
  );
  await kube.delete(`${TAGPROOF}/namespaces/shop/bypasses/incident-4711`);

  title(
    'What could not start again?',
    'The policy against everything that exists now: what the bypass admitted would be denied.',
  );
  process.stdout.write(`\n${paint('cyan', '$ tagproof simulate --in-force')}\n`);
  process.env['KUBECONFIG'] = cluster.kubeconfig;
  if ((await simulate(['--in-force', '-q'])) !== 1) wrong.push('simulate found nothing');

  for (const line of wrong) process.stderr.write(`error: ${line}\n`);
  return wrong.length === 0 ? 0 : 2;
}

const podOf = (name: string, image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'web', image }] },
});

function imageOf(answer: unknown): string {
  const { kind, metadata, spec } = answer as {
    kind: string;
    metadata: { name: string };
    spec: { containers?: { image: string }[] };
  };
  return `${kind.toLowerCase()}/${metadata.name}${spec.containers?.[0] === undefined ? '' : ` runs ${spec.containers[0].image}`}`;
}

/** Waits until the API server uses the webhooks and the policy. */
async function ready(kube: KubeClient, image: string): Promise<void> {
  for (const end = Date.now() + WAIT_MS; ; await sleep(200)) {
    const made = await kube
      .create(`${SHOP}/pods?dryRun=All`, podOf('probe', image))
      .catch((error) => asProblem(error, 'protocol'));
    if (!(made instanceof Problem) && /@sha256:/.test(imageOf(made))) return;
    if (Date.now() > end)
      throw made instanceof Problem ? made : new Problem('unreachable', 'the API server does not call the webhook');
  }
}
