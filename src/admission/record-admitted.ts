// Records in the ledger the evidence by which images were admitted, so that it is known later for
// what ran. No review waits for it and no decision depends on it. Failed writes are retried; when
// the queue is full, further records are dropped and counted (T44).
import { parseReference } from '../image/reference.ts';
import { summarizeEvaluation } from '../inventory/deployed.ts';
import type { EvidenceEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import type { Admission } from './admit.ts';

const PAUSE_MS = 2000;
const MAX_WAITING = 5000;
const MAX_REMEMBERED = 50_000;

/** Owns the timer. */
export class AdmissionRecorder {
  readonly #open: () => Promise<Ledger>;
  readonly #dropped: () => void;
  readonly #recorded = new Map<string, string>();
  readonly #waiting = new Map<string, EvidenceEvent>();
  #ledger: Promise<Ledger> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param open opens the ledger, which may not answer yet; reviews do not wait for it
   * @param dropped called for each record that is not written
   */
  constructor(open: () => Promise<Ledger>, dropped: () => void) {
    this.#open = open;
    this.#dropped = dropped;
  }

  /** @param policy `sha256:HEX` of the policy that decided */
  take({ answer, decisions }: Admission, policy: string): void {
    if (!answer.allowed) return;
    for (const { image, digest, decision, evidence } of decisions) {
      const reference = parseReference(image);
      if (digest === undefined || reference instanceof Problem) continue;
      const { registry, repository } = reference;
      const found = summarizeEvaluation({ resolved: new Problem('usage', 'not resolved'), decision, evidence });
      const event: EvidenceEvent = {
        kind: 'evidence',
        registry,
        repository,
        digest,
        ...found,
        policy,
        source: 'admission',
      };
      const key = `${registry}/${repository}@${digest}`;
      const text = JSON.stringify([found.outcome, found.signers, found.reason]);
      if (this.#recorded.get(key) === text) continue;
      if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(key)) {
        this.#dropped();
        continue;
      }
      this.#recorded.set(key, text);
      if (this.#recorded.size > MAX_REMEMBERED) this.#recorded.delete(this.#recorded.keys().next().value as string);
      this.#waiting.set(key, event);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    const ledger = await this.#ledger?.catch(() => undefined);
    await ledger?.close();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, PAUSE_MS).unref();
  }

  async #write(): Promise<void> {
    const batch = [...this.#waiting];
    if (batch.length === 0) return;
    this.#waiting.clear();
    try {
      this.#ledger ??= this.#open();
      await (await this.#ledger).append(batch.map(([, event]) => event));
    } catch {
      this.#ledger = undefined;
      // A record that arrived meanwhile is newer and wins.
      for (const [key, event] of batch) if (!this.#waiting.has(key)) this.#waiting.set(key, event);
      this.#schedule();
    }
  }
}
