// tagproof serve watcher: what runs, and where the tags that it uses point, into the ledger; and an API to ask it.
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { readNamed } from '../file.ts';
import type { KubeClient } from '../kube/client.ts';
import { openLedger } from '../ledger/open.ts';
import { namesHost } from '../policy/hosts.ts';
import { Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import { createApi } from '../serve/api/api.ts';
import { type Guard, kubernetesGuard, oneTimeToken } from '../serve/api/auth.ts';
import { loadPages } from '../serve/api/pages.ts';
import { kubeFeed, Watcher } from '../serve/watcher/watcher.ts';
import { readImageClosure } from '../survey/closure.ts';
import { loadConfig } from './gather.ts';
import { version } from './version.ts';

export type WatcherFlags = {
  readonly ledger: string;
  readonly policy?: string;
  readonly host: string;
  readonly port: string;
  readonly cert?: string;
  readonly key?: string;
};

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]', '::1'];

export async function serveWatcher(flags: WatcherFlags, kube: KubeClient): Promise<number> {
  const log = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const config = await loadConfig(flags.policy);
  const tls = tlsOf(flags);
  const ledger = await openLedger(flags.ledger);
  // What pods name is nobody's word: only what the configuration names may be private (T46).
  const { registries, hostsDir } = config;
  const client = new RegistryClient({
    registries,
    hostsDir,
    isNamed: namesHost(config),
    userAgent: `tagproof/${version()}`,
  });
  const watcher = new Watcher({
    feed: kubeFeed(kube),
    ledger,
    ask: (reference) => client.head(reference),
    readClosure: (reference) => readImageClosure(client, reference),
    log,
  });
  await watcher.start();
  const { token, guard }: { token?: string; guard: Guard } =
    tls === undefined ? oneTimeToken() : { guard: kubernetesGuard(kube) };
  const pages = await loadPages();
  const app = createApi({ source: watcher, ledger, guard, pages, ...(tls === undefined && { hosts: LOOPBACK }) });
  const listener = getRequestListener(app.fetch);
  const server = tls === undefined ? createPlain(listener) : createServer({ ...tls, minVersion: 'TLSv1.2' }, listener);
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(Number(flags.port), flags.host, resolve),
  );
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://${flags.host}:${port}/`;
  log({
    at: new Date().toISOString(),
    message: `watching ${kube.access.name}`,
    url: token === undefined ? url : `${url}?token=${token}`,
  });
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
  server.close();
  server.closeAllConnections();
  await watcher.stop();
  await Promise.all([client.close(), kube.close(), ledger.close()]);
  return 0;
}

/** Away from loopback only over TLS, and with the API server's own tokens. */
function tlsOf({ cert, key, host }: WatcherFlags): { cert: Buffer; key: Buffer } | undefined {
  if ((cert === undefined) !== (key === undefined)) throw new Problem('usage', 'expected --cert and --key together');
  if (cert !== undefined && key !== undefined) return { cert: readNamed(cert), key: readNamed(key) };
  if (!LOOPBACK.includes(host))
    throw new Problem('usage', `--host ${host}: expected --cert and --key; without TLS only loopback is served`);
  return undefined;
}
