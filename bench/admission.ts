// The webhook, warm, on one core: reviews a second over TLS, the server's own p99, its memory with ten thousand images; five hundred pods
// of one new image at once; and k8s-digester beside it where that is on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from '../src/install/certificate.ts';
import { freePort, kubeconfigOf } from '../src/kube/local.ts';
import { load, makeWorld, serverP99, startTagproof, type Webhook, type World, webhookAt } from './webhook.ts';

const CONNECTIONS = 16;
const REVIEWS = 20_000;
const IMAGES = 10_000;

export async function run(): Promise<void> {
  const world = await makeWorld(IMAGES);
  const webhook = await startTagproof(world, CONNECTIONS);
  const { images, registry } = world;
  registry.log.length = 0;
  await Promise.all(
    Array.from({ length: 500 }, () => webhook.ask('/mutate', (images[0] as string).replace(/@.*/, ''))),
  );
  const blobs = registry.log.filter((line) => line.includes('/blobs/')).length;
  say(`500 pods of one new image at once: ${registry.log.length} requests in all, ${blobs} signature fetched`);
  await load((image) => webhook.ask('/validate', image), images, IMAGES, 4);
  await report(webhook, images.slice(0, 200), `with ${IMAGES} images kept`);
  await report(webhook, images, 'over all of them');
  await webhook.stop();
  await world.close();
  if (spawnSync('digester', ['version']).error === undefined) await beside();
  else say('k8s-digester is not on the PATH');
}

async function report(webhook: Webhook, images: readonly string[], what: string): Promise<void> {
  const { perSecond, p99 } = await load((image) => webhook.ask('/validate', image), images, REVIEWS, CONNECTIONS);
  const server = serverP99(await webhook.metrics(), 'validate');
  say(
    `warm, ${what}: ${(perSecond / 1500).toFixed(2)} x 1,500 reviews/s on one core; p99 in the server at most ${(server / 10).toFixed(2)} of 10 ms, at the client ${(p99 / 10).toFixed(2)}; RSS ${(webhook.rss() / 150).toFixed(2)} of 150 MiB`,
  );
}

/** The same pods, the same registry: tags to digests, which is all that k8s-digester does. */
async function beside(): Promise<void> {
  const world = await makeWorld(50, false);
  const tags = world.images.map((image) => image.replace(/@.*/, ''));
  const measure = async (name: string, webhook: Webhook, path: string) => {
    for (const image of tags) await webhook.ask(path, image);
    world.registry.log.length = 0;
    const { perSecond, p99 } = await load((image) => webhook.ask(path, image), tags, 4000, CONNECTIONS);
    const result = { name, perSecond, p99, rss: webhook.rss(), requests: world.registry.log.length };
    await webhook.stop();
    return result;
  };
  const ours = await measure('tagproof', await startTagproof(world, CONNECTIONS), '/mutate');
  const theirs = await measure('k8s-digester', await startDigester(world), '/v1/mutate');
  say(
    `beside k8s-digester, 4,000 pods of 50 tags: ${(ours.perSecond / theirs.perSecond).toFixed(2)} x its reviews/s, p99 ${(ours.p99 / theirs.p99).toFixed(2)} x, RSS ${(ours.rss / theirs.rss).toFixed(2)} x; requests to the registry ${ours.requests} against ${theirs.requests}`,
  );
  await world.close();
}

async function startDigester({ folder }: World): Promise<Webhook> {
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  const { ca, cert, key } = await makeCertificates(['localhost']);
  writeFileSync(join(certs, 'tls.crt'), cert);
  writeFileSync(join(certs, 'tls.key'), key);
  writeFileSync(join(certs, 'ca.crt'), ca);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf('https://127.0.0.1:1', 'none'));
  const [port, health, metrics] = [await freePort(), await freePort(), await freePort()];
  const args = [
    'webhook',
    '--offline',
    '--disable-cert-rotation',
    `--cert-dir=${certs}`,
    `--port=${port}`,
    `--health-addr=127.0.0.1:${health}`,
    `--metrics-addr=127.0.0.1:${metrics}`,
    `--kubeconfig=${kubeconfig}`,
  ];
  const server = spawn('taskset', ['-c', '1', 'digester', ...args], { stdio: 'ignore' });
  const webhook = webhookAt(`https://localhost:${port}`, ca, server, CONNECTIONS);
  for (let i = 0; ; i++) {
    try {
      await fetch(`http://127.0.0.1:${health}/readyz`);
      return webhook;
    } catch (error) {
      if (i > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const say = (line: string) => process.stdout.write(`${line}\n`);
