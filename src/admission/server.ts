// Runs the webhook: TLS, policies taken over whole or not at all, certificates renewed without a restart, and an end that lets reviews in
// flight finish.
import { X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { loadPolicyContext, type PolicyContext } from '../evaluate/evaluate.ts';
import { readNamed } from '../file.ts';
import { parseReference } from '../image/reference.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Lock } from '../lock/lock.ts';
import { NO_CONFIG } from '../policy/config.ts';
import { readConfig } from '../policy/config-file.ts';
import { type Merged, mergePolicies, type Part } from '../policy/merge.ts';
import { asProblem, Problem } from '../problem.ts';
import type { Admission, AdmissionConfig } from './admit.ts';
import { createApp } from './app.ts';
import { Cluster } from './cluster.ts';
import { eventsFor } from './kube-events.ts';
import { fetchLock, lockOf } from './lock-source.ts';
import { Metrics } from './metrics.ts';
import { AdmissionRecorder } from './record-admitted.ts';
import { type Connection, connect, credentialFile } from './registry-connection.ts';
import { Reporter } from './reporter.ts';
import type { AdmissionRequest } from './review.ts';
import { selfReview } from './self-review.ts';
import { ServingCertificate, type ServingCertificateOptions } from './serving-certificate.ts';

export type ServerOptions = {
  /** tagproof.yaml; watched. Left out: policies are objects of the cluster alone. */
  readonly policy?: string | undefined;
  /** tagproof.lock, or `oci://` and an image; watched. With one, tags mean what it says. */
  readonly lock?: string | undefined;
  /** How often a lock in a registry is looked at, milliseconds. */
  readonly lockEveryMs?: number;
  readonly templates: AdmissionConfig['templates'];
  readonly host: string;
  readonly port: number;
  /** Paths of PEM files, watched; the texts themselves; or our own, kept in a Secret. */
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string }
    | { readonly cert: string; readonly key: string }
    | { readonly own: Pick<ServingCertificateOptions, 'namespace' | 'secret' | 'names' | 'configurations'> };
  /** CA of whoever may ask, PEM file: the API server's client certificate (T53). */
  readonly clientCa?: string | undefined;
  /** The API server of the cluster that is guarded: for policy objects, bypasses, Events. */
  readonly kube?: KubeClient | undefined;
  /** Read the pull secrets of each object's own namespace. */
  readonly pullSecrets?: boolean;
  /** Reports of what runs are written so often, milliseconds. */
  readonly reportEveryMs?: number;
  /** Where the evidence of what is let in is kept. */
  readonly record?: (() => Promise<Ledger>) | undefined;
  /** Who this is, in Events and Leases. */
  readonly instance?: string;
  readonly userAgent: string;
  /** One line a decision, or about ourselves. */
  readonly log: (line: object) => void;
};

/** How often watched files are looked at, milliseconds: a mounted ConfigMap changes by a link, which no event tells. */
const WATCH_MS = 2000;
/** Callers have so long to let go of their connections, milliseconds. */
const DRAIN_MS = 2000;
/** One HEAD each time. */
const LOCK_MS = 15_000;
const OCI = 'oci://';

/** Owns the socket, the connections to registries, and the watches. */
export class AdmissionServer {
  readonly #options: ServerOptions;
  readonly #metrics = new Metrics();
  readonly #server: Server;
  readonly #watched: string[] = [];
  readonly #cluster: Cluster | undefined;
  readonly #certificate: ServingCertificate | undefined;
  readonly #reporter: Reporter | undefined;
  readonly #admitted: AdmissionRecorder | undefined;
  #draining = false;
  #config: AdmissionConfig | undefined;
  #lockDigest: string | undefined;
  #lockTimer: NodeJS.Timeout | undefined;
  #connection: Connection | undefined;
  #loading: Promise<void> = Promise.resolve();

  constructor(options: ServerOptions) {
    this.#options = options;
    const { kube, tls, clientCa, log, instance = 'tagproof', reportEveryMs: everyMs } = options;
    const metrics = this.#metrics;
    if (kube !== undefined) this.#cluster = new Cluster({ kube, metrics, log, instance });
    if (kube !== undefined && everyMs !== undefined)
      this.#reporter = new Reporter({ kube, everyMs, instance, log, config: () => this.#config });
    if (options.record !== undefined)
      this.#admitted = new AdmissionRecorder(options.record, () => metrics.eventDropped());
    const app = createApp({
      config: () => this.#config,
      metrics,
      log,
      decided: (request, admission) => this.#notify(request, admission),
      selfReview: (request) => selfReview(request, kube),
      draining: () => this.#draining,
      ...(clientCa !== undefined && { mayAsk: (c) => isAuthorized(c.env as { incoming?: { socket?: TLSSocket } }) }),
    });
    // Probes come without a certificate, so who may not ask is turned away by path and not in the handshake.
    const client =
      clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false, ca: readNamed(clientCa) };
    this.#server = createServer(
      { ...('own' in tls ? {} : readTls(tls)), ...client, minVersion: 'TLSv1.2', requestTimeout: 30_000 },
      getRequestListener(app.fetch),
    );
    if ('own' in tls) {
      if (kube === undefined) throw new Problem('usage', 'a certificate in a Secret needs the API server');
      this.#certificate = new ServingCertificate({
        ...tls.own,
        kube,
        taken: (leaf) => this.#show(leaf),
        failed: (problem) => this.#say('the certificate could not be looked after', problem),
      });
    } else metrics.certificateEnds(Date.parse(new X509Certificate(readTls(tls).cert).validTo));
  }

  /** @throws Problem for a first policy file that cannot be used; @returns the port */
  async start(): Promise<number> {
    const { tls, policy, lock, host, port } = this.#options;
    // Without policy objects to wait for, a policy that cannot be used is said at once.
    if (this.#cluster === undefined) await this.#load();
    for (const file of [policy, lock, credentialFile()])
      if (file !== undefined && !file.startsWith(OCI)) this.#watch(file, () => this.#reload());
    if (lock?.startsWith(OCI)) this.#pollLock();
    if ('certFile' in tls) {
      const renew = async () => this.#show(readTls(tls));
      this.#watch(tls.certFile, renew);
      this.#watch(tls.keyFile, renew);
    }
    this.#cluster?.start(() => {
      this.#reload().catch((error) => this.#notTaken(error));
    });
    await this.#certificate?.start();
    this.#reporter?.start();
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Answers what is in flight, takes no more. API servers keep connections for the next review: they are asked to let go of them first, for
   * one that is closed under a review is a pod that is not made.
   */
  async stop(): Promise<void> {
    this.#draining = true;
    for (const file of this.#watched) unwatchFile(file);
    clearTimeout(this.#lockTimer);
    this.#cluster?.stop();
    this.#certificate?.stop();
    this.#reporter?.stop();
    const open = () => new Promise<number>((resolve) => this.#server.getConnections((_, count) => resolve(count)));
    for (const end = Date.now() + DRAIN_MS; Date.now() < end && (await open()) > 0; ) await sleep(50);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    await Promise.all([this.#connection?.transport.close(), this.#admitted?.stop()]);
  }

  /** One after the other: what was asked for last is in force last. */
  #reload(): Promise<void> {
    this.#loading = this.#loading.catch(() => {}).then(() => this.#load());
    return this.#loading;
  }

  /** The new policy is made ready in full before it takes the old one's place. */
  async #load(): Promise<void> {
    const { policy, lock, templates } = this.#options;
    if (this.#cluster !== undefined && !this.#cluster.synced) return; // it tells when it is
    const file = policy === undefined ? undefined : readConfig(policy);
    const own: Part[] = file === undefined ? [] : [{ name: '', config: file }];
    const { config, groups }: Merged = mergePolicies(file ?? NO_CONFIG, [
      ...own,
      ...((await this.#cluster?.parts()) ?? []),
    ]);
    const cache = this.#config?.policyContext.cache;
    const connection = this.#connect(config);
    const bare = await loadPolicyContext(config, new Map(), { groups, cache });
    const policyContext = lock === undefined ? bare : { ...bare, lock: await this.#lockFrom(lock, bare, connection) };
    const cluster = this.#cluster;
    this.#config = {
      policyContext,
      templates,
      locked: lock !== undefined,
      registryAccess: (request) => connection.secrets?.of(request) ?? connection.plain,
      ...(cluster !== undefined && { bypass: (namespace, reference) => cluster.bypass(namespace, reference) }),
    };
    this.#metrics.policyInForce(policyContext.policy);
    this.#say('policy in force', undefined, { policy: policyContext.policy, rules: config.rules.length });
  }

  async #lockFrom(lock: string, policyContext: PolicyContext, { plain }: Connection): Promise<Lock> {
    if (!lock.startsWith(OCI)) return lockOf(lock);
    const reference = parseReference(lock.slice(OCI.length));
    if (reference instanceof Problem) throw reference;
    const fetched = await fetchLock(plain.client, policyContext, reference);
    this.#lockDigest = fetched.digest;
    return fetched.lock;
  }

  /** A lock that is not taken over, whyever, leaves the one before in force. */
  #pollLock(): void {
    this.#lockTimer = setTimeout(async () => {
      const reference = parseReference((this.#options.lock as string).slice(OCI.length));
      const client = this.#connection?.plain.client;
      try {
        if (!(reference instanceof Problem) && client !== undefined) {
          const { digest } = await client.head(reference);
          if (digest !== this.#lockDigest) await this.#reload();
        }
      } catch (error) {
        this.#notTaken(error);
      }
      this.#pollLock();
    }, this.#options.lockEveryMs ?? LOCK_MS).unref();
  }

  #connect(config: Merged['config']): Connection {
    const before = this.#connection;
    const connection = connect(config, this.#options, before);
    // Reviews that began with the old policy end with it.
    if (before !== undefined && before !== connection)
      setTimeout(() => before.transport.close().catch(() => {}), 30_000).unref();
    this.#connection = connection;
    return connection;
  }

  #show(leaf: { readonly cert: string | Buffer; readonly key: string | Buffer }): void {
    const { clientCa } = this.#options;
    this.#server.setSecureContext({
      cert: leaf.cert,
      key: leaf.key,
      ...(clientCa !== undefined && { ca: readNamed(clientCa) }),
    });
    this.#metrics.certificateEnds(Date.parse(new X509Certificate(leaf.cert).validTo));
    this.#say('certificate in use');
  }

  #watch(file: string, changed: () => Promise<unknown>): void {
    this.#watched.push(file);
    watchFile(file, { interval: WATCH_MS, persistent: false }, () => {
      changed().catch((error) => this.#notTaken(asProblem(error, 'file', { file })));
    });
  }

  #notTaken(error: unknown): void {
    this.#metrics.policyFailed();
    this.#say(`not taken over, the one before stays in force: ${asProblem(error, 'file')}`);
  }

  #say(message: string, problem?: Problem, more: object = {}): void {
    this.#options.log({ at: new Date().toISOString(), message, ...more, ...(problem !== undefined && { problem }) });
  }

  #notify(request: AdmissionRequest, admission: Admission): void {
    for (const { bypass } of admission.decisions) if (bypass !== undefined) this.#metrics.bypassed(request.namespace);
    for (const happening of eventsFor(request, admission)) this.#cluster?.tell(happening);
    this.#admitted?.take(admission, this.#config?.policyContext.policy ?? '');
  }
}

function readTls(tls: Exclude<ServerOptions['tls'], { own: unknown }>): {
  cert: string | Buffer;
  key: string | Buffer;
} {
  if ('cert' in tls) return tls;
  return { cert: readNamed(tls.certFile), key: readNamed(tls.keyFile) };
}

const isAuthorized = ({ incoming }: { incoming?: { socket?: TLSSocket } }) => incoming?.socket?.authorized === true;
