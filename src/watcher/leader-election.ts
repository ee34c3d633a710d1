// Of several watchers of one cluster one records. It holds a lease in the ledger, and another takes
// over when the lease ends.
import { randomUUID } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { repeat } from './repeat.ts';

/** How long a lease is valid without renewal, milliseconds. */
const LEASE_MS = 10_000;
const RENEW_MS = 3000;

/** Owns the timer. */
export class LeaderElection {
  readonly #ledger: Ledger;
  readonly #clusters: readonly string[];
  readonly #changed: (cluster: string, isLeader: boolean) => void;
  readonly #failed: (problem: Problem) => void;
  /** This process, among those that watch the same clusters. */
  readonly #holder = randomUUID();
  readonly #held = new Set<string>();
  #stop: () => void = () => {};
  #stopped = false;

  constructor(
    ledger: Ledger,
    clusters: readonly string[],
    changed: (cluster: string, isLeader: boolean) => void,
    failed: (problem: Problem) => void,
  ) {
    this.#ledger = ledger;
    this.#clusters = clusters;
    this.#changed = changed;
    this.#failed = failed;
  }

  /**
   * Whether this process records the cluster. While the ledger does not answer, the last leader stays
   * leader: two leaders are harmless, because the ledger stores the same fact once.
   */
  has(cluster: string): boolean {
    return this.#held.has(cluster);
  }

  async start(): Promise<void> {
    await this.renew().catch((error: unknown) => this.#failed(asProblem(error, 'file')));
    this.#stop = repeat(() => this.renew(), RENEW_MS, this.#failed);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop();
    await this.#ledger.release(this.#holder).catch(() => {}); // the lease ends by itself
  }

  /** Acquires or renews each lease. @throws when the ledger does not answer */
  async renew(now = Date.now()): Promise<void> {
    for (const cluster of this.#clusters) {
      const isLeader = await this.#ledger.acquire(`cluster ${cluster}`, this.#holder, now, LEASE_MS);
      if (this.#stopped || isLeader === this.#held.has(cluster)) continue;
      if (isLeader) this.#held.add(cluster);
      else this.#held.delete(cluster);
      this.#changed(cluster, isLeader);
    }
  }
}
