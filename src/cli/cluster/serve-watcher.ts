// tagproof serve watcher: what runs, and where the tags that it uses point, into the ledger; alarms; and an API to ask it.
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
import { namesHost } from '../../policy/hosts.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { AlertOptions } from '../../watcher/alerts.ts';
import { Budget } from '../../watcher/budget.ts';
import { kubeFeed } from '../../watcher/feed.ts';
import { PacedClient } from '../../watcher/paced-client.ts';
import { Watcher } from '../../watcher/watcher.ts';
import { parseDuration } from '../shared/command.ts';
import { loadConfig } from '../shared/gather.ts';
import { version } from '../shared/version.ts';
import { policyEvaluator } from './evaluate-by.ts';

export type WatcherFlags = {
  readonly ledger: string;
  readonly policy?: string;
  readonly host: string;
  readonly port: string;
  readonly cert?: string;
  readonly key?: string;
  /** A certificate for this run, for these names too; its CA goes into the file. */
  readonly standalone: boolean;
  readonly caFile: string;
  readonly names?: string;
  /** Images to follow, a line each. */
  readonly images?: string;
  readonly hintToken?: string;
  readonly retention?: string;
};

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]', '::1'];
const DAY_MS = 86_400_000;

/** @param kubes one for each cluster; the first one's API server says who may read */
export async function serveWatcher(flags: WatcherFlags, kubes: readonly KubeClient[]): Promise<number> {
  const [kube] = kubes;
  if (kube === undefined) throw new Problem('usage', 'expected a cluster');
  const log = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const config = await loadConfig(flags.policy);
  const tls = await tlsOf(flags);
  const also = flags.images === undefined ? [] : imagesOf(flags.images);
  const hintToken = flags.hintToken === undefined ? undefined : readNamed(flags.hintToken).toString('utf8').trim();
  if (hintToken !== undefined && hintToken.length < 16)
    throw new Problem('usage', '--hint-token: expected a file with 16 characters at least');
  const ledger = await openLedger(flags.ledger);
  const budget = new Budget(
    (registry) => client.rateLimitOf(registry),
    (asked) => client.credentialOf(asked),
  );
  // What pods name is nobody's word: only what the configuration names may be private (T46).
  const client = new PacedClient(budget, {
    registries: config.registries,
    hostsDir: config.hostsDir,
    isNamed: namesHost(config),
    userAgent: `tagproof/${version()}`,
  });
  const watcher = new Watcher({
    feeds: kubes.map(kubeFeed),
    ledger,
    head: (reference) => client.head(reference),
    readClosure: (reference) => readImageClosure(client, reference),
    evaluator: policyEvaluator(() => loadConfig(flags.policy), client),
    budget,
    also,
    alerts: alertsOf(config, client, kubes),
    log,
  });
  await watcher.start();
  const retention = retain(ledger, flags.retention, log);
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
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(Number(flags.port), flags.host, resolve),
  );
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://${flags.host}:${port}/`;
  log({
    at: new Date().toISOString(),
    message: `watching ${kubes.map(({ access }) => access.name).join(', ')}`,
    url: token === undefined ? url : `${url}?token=${token}`,
  });
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  clearInterval(retention);
  server.close();
  server.closeAllConnections();
  await watcher.stop();
  await Promise.all([client.close(), ledger.close(), ...kubes.map((item) => item.close())]);
  return 0;
}

/** Away from loopback only over TLS, and with the API server's own tokens. */
async function tlsOf({ cert, key, host, standalone, caFile, names }: WatcherFlags) {
  if (standalone) {
    const { makeCertificates } = await import('../../install/certificate.ts');
    const {
      ca,
      cert: own,
      key: ownKey,
    } = await makeCertificates(['localhost', '127.0.0.1', '::1', ...(names?.split(',') ?? [])]);
    writeFileSync(caFile, ca);
    return { cert: own, key: ownKey };
  }
  if ((cert === undefined) !== (key === undefined)) throw new Problem('usage', 'expected --cert and --key together');
  if (cert !== undefined && key !== undefined) return { cert: readNamed(cert), key: readNamed(key) };
  if (!LOOPBACK.includes(host))
    throw new Problem('usage', `--host ${host}: expected --cert and --key; without TLS only loopback is served`);
  return undefined;
}

/** An image a line; what follows a # is for people. */
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
    ...(events && { event: (cluster, happening) => writers.get(cluster)?.record(happening) }),
  };
}

/** Once a day what ended longer ago goes. */
function retain(ledger: Ledger, duration: string | undefined, log: (line: object) => void): NodeJS.Timeout | undefined {
  if (duration === undefined) return undefined;
  const keep = parseDuration('--retention', duration);
  if (keep < DAY_MS) throw new Problem('usage', '--retention: expected a day at least, as 400d');
  const run = () =>
    ledger.compact(new Date(Date.now() - keep)).then(
      (count) => count > 0 && log({ at: new Date().toISOString(), message: `retention took out ${count} entries` }),
      (error: unknown) =>
        log({ at: new Date().toISOString(), message: 'retention failed', problem: asProblem(error, 'file') }),
    );
  void run();
  return setInterval(run, DAY_MS).unref();
}
