// Runs the webhook: TLS, the policy file watched and taken over whole or not at all, certificates read anew without a restart, and an
// end that lets reviews in flight finish.
import { unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { readNamed } from '../file.ts';
import { openBench } from '../judge/judge.ts';
import { type Lock, readLock } from '../lock/lock.ts';
import { readConfig } from '../policy/config-file.ts';
import { asProblem, Problem } from '../problem.ts';
import { RegistryClient } from '../registry/client.ts';
import type { Door } from './admit.ts';
import { createApp } from './app.ts';
import { Leases } from './leases.ts';
import { Metrics } from './metrics.ts';

export type ServerOptions = {
  readonly policy: string;
  /** tagproof.lock; watched. With one, tags mean what it says. */
  readonly lock?: string | undefined;
  readonly templates: Door['templates'];
  readonly host: string;
  readonly port: number;
  /** Paths of PEM files, watched; or the texts themselves. */
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string }
    | { readonly cert: string; readonly key: string };
  readonly userAgent: string;
  /** One line a decision, or about ourselves. */
  readonly log: (line: object) => void;
};

/** How often watched files are looked at, milliseconds: a mounted ConfigMap changes by a link, which no event tells. */
const WATCH_MS = 2000;
/** A registry's deadline within a review, milliseconds. */
const DEADLINE_MS = 8000;

/** Owns the socket, the registry client and the watches. */
export class AdmissionServer {
  readonly #options: ServerOptions;
  readonly #metrics = new Metrics();
  readonly #server: Server;
  readonly #watched: string[] = [];
  #door: Door | undefined;
  #client: RegistryClient | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const app = createApp({ door: () => this.#door, metrics: this.#metrics, log: options.log });
    this.#server = createServer(
      { ...readTls(options.tls), minVersion: 'TLSv1.2', requestTimeout: 30_000 },
      getRequestListener(app.fetch),
    );
  }

  /** @throws Problem for a first policy that cannot be used; @returns the port */
  async start(): Promise<number> {
    await this.#load();
    const { tls, policy, lock, host, port } = this.#options;
    this.#watch(policy, () => this.#load());
    if (lock !== undefined) this.#watch(lock, () => this.#load());
    if ('certFile' in tls) {
      const renew = async () => this.#server.setSecureContext(readTls(tls));
      this.#watch(tls.certFile, renew);
      this.#watch(tls.keyFile, renew);
    }
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more reviews, answers those that are in flight. */
  async stop(): Promise<void> {
    for (const file of this.#watched) unwatchFile(file);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    await this.#client?.close();
  }

  /** The new policy is made ready in full before it takes the old one's place. */
  async #load(): Promise<void> {
    const { policy, lock, templates, userAgent } = this.#options;
    const config = readConfig(policy);
    const bench = await openBench(config, lock === undefined ? new Map() : lockOf(lock));
    const client = new RegistryClient({
      deadlineMs: DEADLINE_MS,
      registries: config.registries,
      hostsDir: config.hostsDir,
      userAgent,
    });
    const leases = new Leases(async (reference) => ({
      reference,
      from: 'registry',
      at: new Date().toISOString(),
      ...(await client.head(reference)),
    }));
    const before = this.#client;
    this.#door = { bench, client, leases, templates, locked: lock !== undefined };
    this.#client = client;
    this.#options.log({
      at: new Date().toISOString(),
      message: 'policy in force',
      policy: bench.policy,
      rules: config.rules.length,
    });
    // Reviews that began with the old policy end with it.
    if (before !== undefined) setTimeout(() => before.close().catch(() => {}), 30_000).unref();
  }

  #watch(file: string, changed: () => Promise<unknown>): void {
    this.#watched.push(file);
    watchFile(file, { interval: WATCH_MS, persistent: false }, () => {
      changed().catch((error) => {
        this.#metrics.policyFailed();
        const problem = asProblem(error, 'file', { file });
        this.#options.log({
          at: new Date().toISOString(),
          message: `not taken over, the one before stays in force: ${problem}`,
        });
      });
    });
  }
}

/** A lock that is not there is not an empty one: then every tag would be refused, and nobody would know why. */
function lockOf(file: string): Lock {
  const { lock, bytes } = readLock(file);
  if (bytes === undefined) throw new Problem('file', 'there is no such lock', { file });
  return lock;
}

function readTls(tls: ServerOptions['tls']): { cert: string | Buffer; key: string | Buffer } {
  if ('cert' in tls) return tls;
  return { cert: readNamed(tls.certFile), key: readNamed(tls.keyFile) };
}
