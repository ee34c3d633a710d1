// Keeps the policy in force: reads the file, the policy objects and the lock, and replaces the
// policy as a whole or not at all.
import { loadPolicyContext, type PolicyContext } from '../evaluate/evaluate.ts';
import { parseReference } from '../image/reference.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Lock } from '../lock/lock.ts';
import { NO_CONFIG } from '../policy/config.ts';
import { readConfig } from '../policy/config-file.ts';
import { type Merged, mergePolicies, type Part } from '../policy/merge.ts';
import { asProblem, Problem } from '../problem.ts';
import type { AdmissionConfig } from './admit.ts';
import type { Cluster } from './cluster.ts';
import { fetchLock, lockOf } from './lock-source.ts';
import type { Metrics } from './metrics.ts';
import { type Connection, connect } from './registry-connection.ts';

/** Prefix of a lock that is an artifact in a registry. */
export const OCI = 'oci://';
/**
 * Interval at which a lock in a registry is polled, milliseconds; each poll is one HEAD request.
 */
const LOCK_MS = 15_000;
/**
 * Reviews that began under the previous policy may use its connections for this long, milliseconds.
 */
const OLD_CONNECTION_MS = 30_000;

export type PolicyLoaderOptions = {
  /** Path of tagproof.yaml; undefined: policies are objects of the cluster only. */
  readonly policy?: string | undefined;
  /** Path of tagproof.lock, or `oci://` and an image. With a lock, tags resolve from it alone. */
  readonly lock?: string | undefined;
  readonly lockEveryMs?: number | undefined;
  readonly templates: AdmissionConfig['templates'];
  readonly kube?: KubeClient | undefined;
  readonly pullSecrets?: boolean;
  readonly cluster: Cluster | undefined;
  readonly metrics: Metrics;
  readonly userAgent: string;
  readonly log: (line: object) => void;
};

/** Owns the connection to registries and the timer of the lock. */
export class PolicyLoader {
  readonly #options: PolicyLoaderOptions;
  #config: AdmissionConfig | undefined;
  #connection: Connection | undefined;
  #lockDigest: string | undefined;
  #lockTimer: NodeJS.Timeout | undefined;
  #loading: Promise<void> = Promise.resolve();

  constructor(options: PolicyLoaderOptions) {
    this.#options = options;
  }

  /** The policy in force; undefined before the first one. */
  get config(): AdmissionConfig | undefined {
    return this.#config;
  }

  /** Starts to poll a lock in a registry. */
  start(): void {
    if (this.#options.lock?.startsWith(OCI)) this.#pollLock();
  }

  stop(): void {
    clearTimeout(this.#lockTimer);
  }

  async close(): Promise<void> {
    await this.#connection?.transport.close();
  }

  /** Loads run one after the other, so the last request determines the policy in force. */
  reload(): Promise<void> {
    this.#loading = this.#loading.catch(() => {}).then(() => this.load());
    return this.#loading;
  }

  /** Reloads, and logs a failure. */
  async tryReload(): Promise<void> {
    await this.reload().catch((error) => this.#rejected(error));
  }

  /**
   * Prepares the new policy in full before it replaces the old one.
   * @throws Problem for a policy that cannot be used
   */
  async load(): Promise<void> {
    const { policy, lock, templates, cluster, metrics, log } = this.#options;
    if (cluster !== undefined && !cluster.synced) return; // the cluster calls again once it is synced
    const file = policy === undefined ? undefined : readConfig(policy);
    const fromFile: Part[] = file === undefined ? [] : [{ name: '', config: file }];
    const { config, groups }: Merged = mergePolicies(file ?? NO_CONFIG, [
      ...fromFile,
      ...((await cluster?.parts()) ?? []),
    ]);
    const cache = this.#config?.policyContext.cache;
    const connection = this.#connect(config);
    const unlocked = await loadPolicyContext(config, new Map(), { groups, cache });
    const policyContext =
      lock === undefined ? unlocked : { ...unlocked, lock: await this.#readLock(lock, unlocked, connection) };
    this.#config = {
      policyContext,
      templates,
      locked: lock !== undefined,
      registryAccess: (request) => connection.secrets?.of(request) ?? connection.plain,
      ...(cluster !== undefined && { bypass: (namespace, reference) => cluster.bypass(namespace, reference) }),
    };
    metrics.policyInForce(policyContext.policy);
    const at = new Date().toISOString();
    log({ at, message: 'policy in force', policy: policyContext.policy, rules: config.rules.length });
  }

  async #readLock(lock: string, policyContext: PolicyContext, { plain }: Connection): Promise<Lock> {
    if (!lock.startsWith(OCI)) return lockOf(lock);
    const reference = parseReference(lock.slice(OCI.length));
    if (reference instanceof Problem) throw reference;
    const fetched = await fetchLock(plain.client, policyContext, reference);
    this.#lockDigest = fetched.digest;
    return fetched.lock;
  }

  /** If a lock cannot be loaded, for whatever reason, the previous one stays in force. */
  #pollLock(): void {
    this.#lockTimer = setTimeout(async () => {
      const reference = parseReference((this.#options.lock as string).slice(OCI.length));
      const client = this.#connection?.plain.client;
      try {
        if (!(reference instanceof Problem) && client !== undefined) {
          const { digest } = await client.head(reference);
          if (digest !== this.#lockDigest) await this.reload();
        }
      } catch (error) {
        this.#rejected(error);
      }
      this.#pollLock();
    }, this.#options.lockEveryMs ?? LOCK_MS).unref();
  }

  #connect(config: Merged['config']): Connection {
    const before = this.#connection;
    const connection = connect(config, this.#options, before);
    if (before !== undefined && before !== connection)
      setTimeout(() => before.transport.close().catch(() => {}), OLD_CONNECTION_MS).unref();
    this.#connection = connection;
    return connection;
  }

  #rejected(error: unknown): void {
    this.#options.metrics.policyFailed();
    const message = `not loaded, the previous policy stays in force: ${asProblem(error, 'file')}`;
    this.#options.log({ at: new Date().toISOString(), message });
  }
}
