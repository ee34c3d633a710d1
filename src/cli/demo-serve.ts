// tagproof demo --serve: the dashboard on a simulated cluster and a registry on this machine: a tag moves, a pod picks it up, and there is a
// way back. The watcher, the ledger and the API are the real ones; the pods are a story.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Reference } from '../flow.ts';
import { parseReference, tagKey } from '../image/reference.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import type { Change } from '../kube/watch.ts';
import type { LedgerEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openLedger } from '../ledger/open.ts';
import { RegistryClient } from '../registry/client.ts';
import { EmbeddedRegistry } from '../registry/embedded.ts';
import { pushSample } from '../registry/sample.ts';
import { createApi } from '../serve/api/api.ts';
import { oneTimeToken } from '../serve/api/auth.ts';
import { loadPages } from '../serve/api/pages.ts';
import { type Feed, type Followed, Watcher } from '../serve/watcher/watcher.ts';
import { readImageClosure } from '../survey/closure.ts';
import { IMAGES, MOVED } from './sample-repository.ts';
import { say, title } from './stage.ts';

const CLUSTER = 'demo (simulated)';
const HOUR = 3_600_000;
/** After the start, milliseconds: somebody moves the tag; a pod starts anew and takes what it is now. */
const MOVE_AT = 12_000;
const RESTART_AT = 20_000;

export async function demoServe(): Promise<number> {
  const registry = new EmbeddedRegistry();
  const host = await registry.listen();
  const digests = new Map<string, string>();
  const earlier = await pushSample(host, { ...(IMAGES[0] as (typeof IMAGES)[0]), tag: 'v1.4.1', content: 'web 1.4.1' });
  for (const image of IMAGES) digests.set(image.repository, await pushSample(host, image));
  const ledger = await openLedger(':memory:');
  const story = new Story(host, digests);
  await before(ledger, host, earlier, digests);
  const client = new RegistryClient({ credentials: async () => undefined });
  const watcher = new Watcher({
    feed: story,
    ledger,
    ask: (reference) => client.head(reference),
    readClosure: (reference) => readImageClosure(client, reference),
    log: () => {},
  });
  await watcher.start();
  const { token, guard } = oneTimeToken();
  const app = createApi({
    source: watcher,
    ledger,
    guard,
    pages: await loadPages(),
    hosts: ['127.0.0.1', 'localhost'],
  });
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  title(
    'What is deployed',
    `A simulated cluster with demo data; the registry ${host} is real, and on this machine. Ctrl-C ends it.`,
  );
  say(`\n  http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${token}\n`);
  const web = `${host}/shop/web:v1.4.2`;
  const timers = [
    setTimeout(async () => {
      const moved = await pushSample(host, MOVED);
      say(`Somebody moved ${web}: it is ${moved.slice(0, 19)}… now. See “Tag moved”.`);
      watcher.hint(tagKey(parseReference(web) as Reference));
    }, MOVE_AT),
    setTimeout(async () => {
      const { digest } = await client.head(parseReference(web) as Reference);
      story.restart('web', digest);
      say('A pod of shop/Deployment/web started anew, and took it. See “Mixed replicas”, and go back.');
    }, RESTART_AT),
  ];
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  for (const timer of timers) clearTimeout(timer);
  server.close();
  server.closeAllConnections();
  await watcher.stop();
  await Promise.all([client.close(), ledger.close(), registry.close()]);
  return 0;
}

/** What is said to have happened in the days before. */
async function before(
  ledger: Ledger,
  host: string,
  earlier: string,
  digests: ReadonlyMap<string, string>,
): Promise<void> {
  const run = (image: string, digest: string, pods: number): LedgerEvent => ({
    kind: 'run',
    cluster: CLUSTER,
    namespace: 'shop',
    workload: { kind: 'Deployment', name: 'web' },
    container: 'web',
    type: 'container',
    image: `${host}/shop/web:${image}`,
    digest,
    pods,
  });
  const now = Date.now();
  const web = digests.get('shop/web') as string;
  const tag: LedgerEvent = {
    kind: 'tag',
    registry: host,
    repository: 'shop/web',
    tag: 'v1.4.2',
    digest: web,
    source: 'poll',
  };
  await ledger.append([run('v1.4.1', earlier, 3)], new Date(now - 96 * HOUR));
  await ledger.append([tag], new Date(now - 52 * HOUR));
  await ledger.append([run('v1.4.1', earlier, 0), run('v1.4.2', web, 3)], new Date(now - 50 * HOUR));
}

/** A cluster of four workloads, as its watches would tell it. */
class Story implements Feed {
  readonly name = CLUSTER;
  readonly #pods = new Map<string, KubeObject>();
  #tell: (change: Change) => void = () => {};
  #count = 0;

  constructor(host: string, digests: ReadonlyMap<string, string>) {
    const of = (repository: string) => digests.get(repository) as string;
    const workloads: [name: string, image: string, digest: string, pods: number][] = [
      ['web', `${host}/shop/web:v1.4.2`, of('shop/web'), 3],
      ['worker', `${host}/shop/worker:latest`, of('shop/worker'), 2],
      ['cache', `${host}/library/redis:7.4`, of('library/redis'), 1],
      ['proxy', `${host}/library/proxy:1.31@${of('library/proxy')}`, of('library/proxy'), 2],
    ];
    for (const [name, image, digest, pods] of workloads)
      for (let i = 0; i < pods; i++) this.#put(name, image, digest, i);
  }

  /** One pod of it goes, another comes and runs what the tag is now. */
  restart(name: string, digest: string): void {
    const [uid, old] = [...this.#pods].find(([, { metadata }]) => metadata?.name?.startsWith(`${name}-`)) ?? [];
    if (uid === undefined || old === undefined) return;
    const { containers } = old['spec'] as { containers: { image: string }[] };
    this.#pods.delete(uid);
    this.#tell({ type: 'deleted', object: old });
    this.#tell({ type: 'added', object: this.#put(name, containers[0]?.image ?? '', digest, 9) });
  }

  async follow<T>({ resource }: Resource, { onList, onChange, take }: Followed<T>): Promise<void> {
    if (resource === 'pods') this.#tell = onChange;
    const objects = resource === 'pods' ? [...this.#pods.values()] : resource === 'replicasets' ? SETS : [];
    onList(objects.map(take));
  }

  #put(name: string, image: string, digest: string, node: number): KubeObject {
    const uid = `pod-${this.#count++}`;
    const object: KubeObject = {
      metadata: {
        name: `${name}-${uid}`,
        namespace: 'shop',
        uid,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-1`, uid: `set-${name}`, controller: true },
        ],
      },
      spec: { nodeName: `node-${node % 3}`, containers: [{ name, image }] },
      status: {
        phase: 'Running',
        containerStatuses: [{ name, imageID: `${image.replace(/[:@][^/]*$/, '')}@${digest}` }],
      },
    };
    this.#pods.set(uid, object);
    return object;
  }
}

const SETS: readonly KubeObject[] = ['web', 'worker', 'cache', 'proxy'].map((name) => ({
  metadata: {
    name: `${name}-1`,
    namespace: 'shop',
    uid: `set-${name}`,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: `deployment-${name}`, controller: true }],
  },
}));
