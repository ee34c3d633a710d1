// Runs the webhook: TLS, reload of policies and certificates without a restart, and a shutdown that
// completes reviews in flight.
import { X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { readNamed } from '../file.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, Problem } from '../problem.ts';
import type { Admission, AdmissionConfig } from './admit.ts';
import { createApp } from './app.ts';
import { Cluster } from './cluster.ts';
import { eventsFor } from './kube-events.ts';
import { Metrics } from './metrics.ts';
import { OCI, PolicyLoader } from './policy-loader.ts';
import { AdmissionRecorder } from './record-admitted.ts';
import { credentialFile } from './registry-connection.ts';
import { Reporter } from './reporter.ts';
import type { AdmissionRequest } from './review.ts';
import { selfReview } from './self-review.ts';
import { ServingCertificate, type ServingCertificateOptions } from './serving-certificate.ts';

export type ServerOptions = {
  /** Path of tagproof.yaml, watched; undefined: policies are objects of the cluster only. */
  readonly policy?: string | undefined;
  /**
   * Path of tagproof.lock, or `oci://` and an image; watched. With a lock, tags resolve from it
   * alone.
   */
  readonly lock?: string | undefined;
  /** Interval at which a lock in a registry is polled, milliseconds. */
  readonly lockEveryMs?: number;
  readonly templates: AdmissionConfig['templates'];
  readonly host: string;
  readonly port: number;
  /**
   * Paths of PEM files, watched; or the PEM texts; or a certificate that the webhook keeps in a
   * Secret.
   */
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string }
    | { readonly cert: string; readonly key: string }
    | { readonly own: Pick<ServingCertificateOptions, 'namespace' | 'secret' | 'names' | 'configurations'> };
  /**
   * PEM file with the CA of the API server's client certificate. Other callers may not send reviews
   * (T53).
   */
  readonly clientCa?: string | undefined;
  /** The API server of the cluster: source of policy objects and bypasses, target of Events. */
  readonly kube?: KubeClient | undefined;
  /** Use the pull secrets of each object's namespace. */
  readonly pullSecrets?: boolean;
  /** Interval of the reports on what runs, milliseconds. */
  readonly reportEveryMs?: number;
  /** Opens the ledger that records the evidence of admitted images. */
  readonly record?: (() => Promise<Ledger>) | undefined;
  /** Identity of this replica in Events and Leases. */
  readonly instance?: string;
  readonly userAgent: string;
  /** Called with one line for each decision, and for each change of the server's own state. */
  readonly log: (line: object) => void;
};

/**
 * Interval at which files are polled, milliseconds: a mounted ConfigMap changes by a symbolic link,
 * without an event.
 */
const WATCH_MS = 2000;
/** How long callers may take to close their connections at shutdown, milliseconds. */
const DRAIN_MS = 2000;

/** Owns the socket and the watched files. */
export class AdmissionServer {
  readonly #options: ServerOptions;
  readonly #metrics = new Metrics();
  readonly #server: Server;
  readonly #watched: string[] = [];
  readonly #cluster: Cluster | undefined;
  readonly #loader: PolicyLoader;
  readonly #certificate: ServingCertificate | undefined;
  readonly #reporter: Reporter | undefined;
  readonly #recorder: AdmissionRecorder | undefined;
  #draining = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { kube, tls, clientCa, log, instance = 'tagproof', reportEveryMs: everyMs } = options;
    const metrics = this.#metrics;
    if (kube !== undefined) this.#cluster = new Cluster({ kube, metrics, log, instance });
    this.#loader = new PolicyLoader({ ...options, cluster: this.#cluster, metrics });
    const config = () => this.#loader.config;
    if (kube !== undefined && everyMs !== undefined)
      this.#reporter = new Reporter({ kube, everyMs, instance, log, config });
    if (options.record !== undefined)
      this.#recorder = new AdmissionRecorder(options.record, () => metrics.eventDropped());
    const app = createApp({
      config,
      metrics,
      log,
      decided: (request, admission) => this.#notify(request, admission),
      selfReview: (request) => selfReview(request, kube),
      draining: () => this.#draining,
      ...(clientCa !== undefined && {
        isCallerAllowed: (c) => isAuthorized(c.env as { incoming?: { socket?: TLSSocket } }),
      }),
    });
    // Probes have no client certificate, so the app rejects callers by path and the handshake
    // accepts all of them.
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
        onCertificate: (leaf) => this.#serve(leaf),
        onProblem: (problem) => this.#log('cannot check or renew the certificate', problem),
      });
    } else metrics.certificateEnds(Date.parse(new X509Certificate(readTls(tls).cert).validTo));
  }

  /** @returns the port; @throws Problem if the first policy, lock or certificate cannot be used */
  async start(): Promise<number> {
    const { tls, policy, lock, host, port } = this.#options;
    // Without policy objects to wait for, an unusable policy fails the start.
    if (this.#cluster === undefined) await this.#loader.load();
    for (const file of [policy, lock, credentialFile()])
      if (file !== undefined && !file.startsWith(OCI)) this.#watch(file, () => this.#loader.tryReload());
    this.#loader.start();
    if ('certFile' in tls) {
      const renew = () => this.#serve(readTls(tls));
      this.#watch(tls.certFile, renew);
      this.#watch(tls.keyFile, renew);
    }
    this.#cluster?.start(() => void this.#loader.tryReload());
    await this.#certificate?.start();
    this.#reporter?.start();
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Answers reviews in flight and accepts no new ones. API servers keep connections open for the
   * next review, so they are asked to close them first: a connection that we close under a review
   * is a pod that is not created.
   */
  async stop(): Promise<void> {
    this.#draining = true;
    for (const file of this.#watched) unwatchFile(file);
    this.#loader.stop();
    this.#cluster?.stop();
    this.#certificate?.stop();
    this.#reporter?.stop();
    const open = () => new Promise<number>((resolve) => this.#server.getConnections((_, count) => resolve(count)));
    for (const end = Date.now() + DRAIN_MS; Date.now() < end && (await open()) > 0; ) await sleep(50);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    await Promise.all([this.#loader.close(), this.#recorder?.stop()]);
  }

  #serve(leaf: { readonly cert: string | Buffer; readonly key: string | Buffer }): void {
    const { clientCa } = this.#options;
    this.#server.setSecureContext({
      cert: leaf.cert,
      key: leaf.key,
      ...(clientCa !== undefined && { ca: readNamed(clientCa) }),
    });
    this.#metrics.certificateEnds(Date.parse(new X509Certificate(leaf.cert).validTo));
    this.#log('certificate in use');
  }

  #watch(file: string, changed: () => unknown): void {
    this.#watched.push(file);
    watchFile(file, { interval: WATCH_MS, persistent: false }, async () => {
      try {
        await changed();
      } catch (error) {
        this.#metrics.policyFailed();
        this.#log('not loaded, the previous certificate stays in use', asProblem(error, 'file', { file }));
      }
    });
  }

  #log(message: string, problem?: Problem): void {
    this.#options.log({ at: new Date().toISOString(), message, ...(problem !== undefined && { problem }) });
  }

  #notify(request: AdmissionRequest, admission: Admission): void {
    for (const { bypass } of admission.decisions) if (bypass !== undefined) this.#metrics.bypassed(request.namespace);
    for (const event of eventsFor(request, admission)) this.#cluster?.record(event);
    this.#recorder?.take(admission, this.#loader.config?.policyContext.policy ?? '');
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
