// The watcher with its dashboard and API, from the start of the server to its end. It is loaded when
// it serves: it is most of tagproof, and --help needs none of it.
import { writeFileSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createApi } from '../../api/api.ts';
import { type Guard, kubernetesGuard, oneTimeToken } from '../../api/auth.ts';
import { loadPages } from '../../api/static-files.ts';
import { readNamed } from '../../file.ts';
import type { Reference } from '../../flow.ts';
import { parseReference } from '../../image/reference.ts';
import { readImageClosure } from '../../inventory/image-closure.ts';
import type { KubeClient } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { openLedger } from '../../ledger/open.ts';
import type { Config } from '../../policy/config.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { AlertOptions } from '../../watcher/alerts.ts';
import { kubeFeed } from '../../watcher/feed.ts';
import { Watcher } from '../../watcher/watcher.ts';
import { parseDuration } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { policyEvaluator } from './evaluate-by.ts';
import { connectCluster, logLine, parsePort, terminated } from './serving.ts';
import { openWatcherClient } from './watcher-client.ts';

export type WatcherFlags = {
  policy?: string;
  host: string;
  port: string;
  cert?: string;
  key?: string;
  standalone: boolean;
  caFile: string;
  names?: string;
  ledger: string;
  contexts: string[];
  clusterName?: string;
  images?: string;
  hintToken?: string;
  retention?: string;
  kubeconfig?: string;
  context?: string;
};

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]', '::1'];
const DAY_MS = 86_400_000;

export async function serveWatcher(flags: WatcherFlags): Promise<number> {
  const port = parsePort(flags.port);
  const { kubeconfig, context, contexts, clusterName } = flags;
  if (clusterName !== undefined && contexts.length > 1)
    throw new Problem('usage', '--cluster-name: with several --contexts each cluster is named by its context');
  const kubes = await Promise.all(
    (contexts.length > 0 ? contexts : [context]).map((name) =>
      connectCluster({ kubeconfig, context: name, name: clusterName }),
    ),
  );
  return watchClusters(flags, port, kubes);
}

/** @param kubes one for each cluster; the API server of the first one authorizes readers */
async function watchClusters(flags: WatcherFlags, port: number, kubes: readonly KubeClient[]): Promise<number> {
  const [kube] = kubes;
  if (kube === undefined) throw new Problem('usage', 'expected a cluster');
  const config = await loadConfig(flags.policy);
  const tls = await tlsOf(flags);
  const also = flags.images === undefined ? [] : imagesOf(flags.images);
  const hintToken = flags.hintToken === undefined ? undefined : readNamed(flags.hintToken).toString('utf8').trim();
  if (hintToken !== undefined && hintToken.length < 16)
    throw new Problem('usage', '--hint-token: expected a file with a token of at least 16 characters');
  const ledger = await openLedger(flags.ledger);
  const { client, budget } = openWatcherClient(config);
  const watcher = new Watcher({
    feeds: kubes.map(kubeFeed),
    ledger,
    head: (reference) => client.head(reference),
    readClosure: (reference) => readImageClosure(client, reference),
    evaluator: policyEvaluator(() => loadConfig(flags.policy), client),
    budget,
    also,
    alerts: alertsOf(config, client, kubes),
    log: logLine,
  });
  await watcher.start();
  const retention = retain(ledger, flags.retention);
  const { token, guard }: { token?: string; guard: Guard } =
    tls === undefined ? oneTimeToken() : { guard: kubernetesGuard(kube) };
  const pages = await loadPages();
  const app = createApi({
    source: watcher,
    ledger,
    guard,
    pages,
    ...(hintToken !== undefined && { hints: { token: hintToken, hint: (key) => watcher.hint(key) } }),
    ...(tls === undefined && { hosts: LOOPBACK }),
  });
  const listener = getRequestListener(app.fetch);
  const server = tls === undefined ? createPlain(listener) : createServer({ ...tls, minVersion: 'TLSv1.2' }, listener);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, flags.host, resolve));
  const { port: bound } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://${flags.host}:${bound}/`;
  logLine({
    at: new Date().toISOString(),
    message: `watching ${kubes.map(({ access }) => access.name).join(', ')}`,
    url: token === undefined ? url : `${url}?token=${token}`,
  });
  await terminated();
  clearInterval(retention);
  server.close();
  server.closeAllConnections();
  await watcher.stop();
  await Promise.all([client.close(), ledger.close(), ...kubes.map((item) => item.close())]);
  return 0;
}

/**
 * On addresses other than loopback the server speaks TLS only, and the API server checks the
 * tokens.
 */
async function tlsOf({ cert, key, host, standalone, caFile, names }: WatcherFlags) {
  if (standalone) {
    const { makeCertificates } = await import('../../install/certificate.ts');
    const {
      ca,
      cert: made,
      key: madeKey,
    } = await makeCertificates(['localhost', '127.0.0.1', '::1', ...(names?.split(',') ?? [])]);
    writeFileSync(caFile, ca);
    return { cert: made, key: madeKey };
  }
  if ((cert === undefined) !== (key === undefined)) throw new Problem('usage', 'expected --cert and --key together');
  if (cert !== undefined && key !== undefined) return { cert: readNamed(cert), key: readNamed(key) };
  if (!LOOPBACK.includes(host))
    throw new Problem('usage', `--host ${host}: expected --cert and --key; without TLS only loopback is served`);
  return undefined;
}

/** One image on each line; `#` begins a comment. */
function imagesOf(file: string): Reference[] {
  const lines = readNamed(file).toString('utf8').split('\n');
  return lines.flatMap((line, index) => {
    const text = line.replace(/#.*/, '').trim();
    if (text === '') return [];
    const reference = parseReference(text);
    if (reference instanceof Problem) throw new Problem('reference', reference.message, { file, line: index + 1 });
    return [reference.digest === undefined ? { ...reference, tag: reference.tag ?? 'latest' } : reference];
  });
}

const MAX_ANSWER = 64 * 1024;

function alertsOf({ alarms }: Config, client: RegistryClient, kubes: readonly KubeClient[]): AlertOptions {
  const { restDays = 30, sinks = [], events = false } = alarms ?? {};
  const writers = new Map(
    kubes.map((kube) => [
      kube.access.name,
      new EventRecorder(kube, process.env['POD_NAME'] ?? 'tagproof', () => {}, 'tagproof.dev/watcher'),
    ]),
  );
  return {
    restDays,
    sinks,
    post: async (url, body, headers) => (await client.service({ url }).post('', body, headers, MAX_ANSWER)).status,
    ...(events && { event: (cluster, event) => writers.get(cluster)?.record(event) }),
  };
}

/** Deletes old records once a day. */
function retain(ledger: Ledger, duration: string | undefined): NodeJS.Timeout | undefined {
  if (duration === undefined) return undefined;
  const keep = parseDuration('--retention', duration);
  if (keep < DAY_MS) throw new Problem('usage', '--retention: expected at least one day, as 400d');
  const run = () =>
    ledger.compact(new Date(Date.now() - keep)).then(
      (count) => count > 0 && logLine({ at: new Date().toISOString(), message: `retention deleted ${count} entries` }),
      (error: unknown) =>
        logLine({ at: new Date().toISOString(), message: 'retention failed', problem: asProblem(error, 'file') }),
    );
  void run();
  return setInterval(run, DAY_MS).unref();
}
