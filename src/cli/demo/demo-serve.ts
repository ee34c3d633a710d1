// tagproof demo --serve: the dashboard on a simulated cluster and a registry on this machine. A tag
// moves, a pod picks it up, and someone rolls back. Watcher, ledger, signatures and API are the
// real ones; only the pods are simulated.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createApi } from '../../api/api.ts';
import { oneTimeToken } from '../../api/auth.ts';
import { loadPages } from '../../api/static-files.ts';
import type { Reference } from '../../flow.ts';
import { shortDigest } from '../../image/digest.ts';
import { parseReference, tagKey } from '../../image/reference.ts';
import { readImageClosure } from '../../inventory/image-closure.ts';
import type { LedgerEvent } from '../../ledger/event.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { openLedger } from '../../ledger/open.ts';
import { parseConfig } from '../../policy/config-file.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushSample } from '../../registry/sample.ts';
import { signSample } from '../../sign/sample.ts';
import { Budget } from '../../watcher/budget.ts';
import { PacedClient } from '../../watcher/paced-client.ts';
import { Watcher } from '../../watcher/watcher.ts';
import { policyEvaluator } from '../cluster/evaluate-by.ts';
import { Story, type StoryWorkload } from './demo-story.ts';
import { IMAGES, MOVED } from './sample-repository.ts';
import { say, title } from './stage.ts';

const CLUSTER = 'demo (simulated)';
const HOUR = 3_600_000;
/**
 * After the start, milliseconds: someone moves the tag; a pod restarts and picks it up; someone
 * rolls back.
 */
const MOVE_AT = 12_000;
const RESTART_AT = 20_000;
const ROLLBACK_AT = 90_000;
const REASON = 'v1.4.2 was moved, and sends data elsewhere';

const EARLIER = { ...(IMAGES[0] as (typeof IMAGES)[0]), tag: 'v1.4.1', content: 'web 1.4.1' };

export async function demoServe(): Promise<number> {
  const registry = new EmbeddedRegistry();
  const host = await registry.listen();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = async (repository: string, digest: string) => {
    await signSample(host, repository, digest, privateKey);
  };
  const earlier = await pushSample(host, EARLIER);
  await sign('shop/web', earlier);
  const digests = new Map<string, string>();
  for (const image of IMAGES) {
    const digest = await pushSample(host, image);
    digests.set(image.repository, digest);
    if (image.repository !== 'library/redis') await sign(image.repository, digest);
  }
  const web = digests.get('shop/web') as string;
  const ledger = await openLedger(':memory:');
  const story = new Story(CLUSTER, workloadsOf(host, digests));
  await recordHistory(ledger, host, earlier, web);
  const budget = new Budget(
    (name) => client.rateLimitOf(name),
    (target) => client.credentialOf(target),
  );
  const client = new PacedClient(budget, { credentials: async () => undefined });
  const config = parseConfig(policyOf(host, publicKey.export({ type: 'spki', format: 'pem' }).toString()), 'demo');
  const watcher = new Watcher({
    feeds: [story],
    ledger,
    head: (reference) => client.head(reference),
    readClosure: (reference) => readImageClosure(client, reference),
    evaluator: policyEvaluator(async () => config, client),
    budget,
    alerts: { restDays: 2, sinks: [], post: async () => 200 },
    log: () => {},
  });
  await watcher.start();
  const { token, guard } = oneTimeToken();
  const hosts = ['127.0.0.1', 'localhost'];
  const app = createApi({ source: watcher, ledger, guard, pages: await loadPages(), hosts });
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  title(
    'What is deployed',
    `A simulated cluster with demo data; the registry ${host} on this machine is real. Ctrl-C ends it.`,
  );
  say(`\n  http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${token}\n`);
  const tagged = parseReference(`${host}/shop/web:v1.4.2`) as Reference;
  let moved = '';
  const timers = [
    setTimeout(async () => {
      moved = await pushSample(host, MOVED);
      say(`Someone moved ${tagged.text}: it is ${shortDigest(moved)} now, which nobody signed. See “Tag moved”.`);
      watcher.hint(tagKey(tagged));
    }, MOVE_AT),
    setTimeout(() => {
      story.restart('web', moved);
      say(
        'A pod of shop/Deployment/web restarted and picked it up. See “Mixed replicas”; search for the digest at the top.',
      );
    }, RESTART_AT),
    setTimeout(async () => {
      const image = `${tagged.text}@${web}`;
      story.rollOut({ ...workloadsOf(host, digests)[0], image, revision: '3', by: 'tagproof' } as StoryWorkload);
      await ledger.append(rollbackEvents(image, web, moved));
      say(
        `It was rolled back to ${shortDigest(web)} and is held there; ${shortDigest(moved)} is on the blocklist. See “Held”.`,
      );
    }, ROLLBACK_AT),
  ];
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  for (const timer of timers) clearTimeout(timer);
  server.close();
  server.closeAllConnections();
  await watcher.stop();
  await Promise.all([client.close(), ledger.close(), registry.close()]);
  return 0;
}

function workloadsOf(host: string, digests: ReadonlyMap<string, string>): StoryWorkload[] {
  const of = (repository: string) => digests.get(repository) as string;
  const all: [namespace: string, name: string, image: string, repository: string, pods: number, by: string][] = [
    ['shop', 'web', 'shop/web:v1.4.2', 'shop/web', 3, 'argocd-controller, Argo CD shop'],
    ['shop', 'worker', 'shop/worker:latest', 'shop/worker', 2, 'kubectl-client-side-apply'],
    ['data', 'cache', 'library/redis:7.4', 'library/redis', 1, 'helm, Helm release cache'],
    [
      'edge',
      'proxy',
      `library/proxy:1.31@${of('library/proxy')}`,
      'library/proxy',
      2,
      'argocd-controller, Argo CD edge',
    ],
  ];
  return all.map(([namespace, name, image, repository, pods, by]) => ({
    namespace,
    name,
    image: `${host}/${image}`,
    digest: of(repository),
    pods,
    revision: '2',
    by,
  }));
}

const policyOf = (host: string, key: string) => `authorities:
  release:
    keys:
      - |
        ${key.trim().replaceAll('\n', '\n        ')}
    transparencyLog: ignore    # this demo has no log
rules:
  - name: signed by us
    images: ["${host}/**"]
    digest: resolve
    signatures: {all: [release]}
`;

const WEB = { cluster: CLUSTER, namespace: 'shop', workload: { kind: 'Deployment', name: 'web' }, container: 'web' };

/** The history of the days before. */
async function recordHistory(ledger: Ledger, host: string, earlier: string, web: string): Promise<void> {
  const run = (tag: string, digest: string, pods: number, revision: string): LedgerEvent => ({
    kind: 'run',
    ...WEB,
    type: 'container',
    image: `${host}/shop/web:${tag}`,
    digest,
    pods,
    revision,
    actor: 'argocd-controller, Argo CD shop',
  });
  const tag: LedgerEvent = {
    kind: 'tag',
    registry: host,
    repository: 'shop/web',
    tag: 'v1.4.2',
    digest: web,
    source: 'poll',
  };
  const ago = (hours: number) => new Date(Date.now() - hours * HOUR);
  await ledger.append([run('v1.4.1', earlier, 3, '1')], ago(96));
  await ledger.append([tag], ago(52));
  await ledger.append([run('v1.4.1', earlier, 0, '1'), run('v1.4.2', web, 3, '2')], ago(50));
}

/** As `tagproof rollback --apply --block` records it. */
function rollbackEvents(image: string, digest: string, bad: string): LedgerEvent[] {
  const by = 'demo';
  return [
    { kind: 'rollback', ...WEB, image, digest, reason: REASON, by, way: 'cluster' },
    { kind: 'block', digests: [bad], reason: REASON, by },
  ];
}
