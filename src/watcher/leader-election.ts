// Of several watchers of one cluster one records: who it is stands in the ledger, for a while.
import { randomUUID } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { repeat } from './repeat.ts';

/** Another takes over when one was silent for so long, milliseconds. */
const LEAD_MS = 10_000;
const AGAIN_MS = 3000;

/** Owns the timer. */
export class LeaderElection {
  readonly #ledger: Ledger;
  readonly #clusters: readonly string[];
  readonly #changed: (cluster: string, leads: boolean) => void;
  readonly #failed: (problem: Problem) => void;
  /** To others that watch the same. */
  readonly #holder = randomUUID();
  readonly #held = new Set<string>();
  #stop: () => void = () => {};
  #stopped = false;

  constructor(
    ledger: Ledger,
    clusters: readonly string[],
    changed: (cluster: string, leads: boolean) => void,
    failed: (problem: Problem) => void,
  ) {
    this.#ledger = ledger;
    this.#clusters = clusters;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Whether this one records it. While the ledger is silent, whoever recorded does: what is told twice is drawn once. */
  has(cluster: string): boolean {
    return this.#held.has(cluster);
  }

  async start(): Promise<void> {
    await this.#look().catch((error: unknown) => this.#failed(asProblem(error, 'file')));
    this.#stop = repeat(() => this.#look(), AGAIN_MS, this.#failed);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop();
    await this.#ledger.release(this.#holder).catch(() => {}); // it ends by itself
  }

  async #look(): Promise<void> {
    for (const cluster of this.#clusters) {
      const leads = await this.#ledger.acquire(`cluster ${cluster}`, this.#holder, Date.now(), LEAD_MS);
      if (this.#stopped || leads === this.#held.has(cluster)) continue;
      if (leads) this.#held.add(cluster);
      else this.#held.delete(cluster);
      this.#changed(cluster, leads);
    }
  }
}
