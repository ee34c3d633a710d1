// Raises alarms: stores each one once, counts it, logs it, writes a Kubernetes Event and queues it
// for the sinks.
import { printReference } from '../image/reference.ts';
import type { DeployedContainer } from '../inventory/deployed.ts';
import { comparable, compareFacts, summaryOf } from '../inventory/image-facts.ts';
import type { KubeEvent } from '../kube/events.ts';
import type { Alarm } from '../ledger/alarms.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem } from '../problem.ts';
import { alarmOfMove, alarmOfSigners, firingAlarms } from './alarm.ts';
import type { SignerChange } from './evidence.ts';
import type { WatcherMetrics } from './metrics.ts';
import { Notifier, type Post } from './notifier.ts';
import type { Sink } from './sinks.ts';
import type { TagChange } from './watched-tag.ts';

export type AlertOptions = {
  /** A tag that did not move for so many days makes its move critical. */
  readonly restDays: number;
  readonly sinks: readonly Sink[];
  readonly post: Post;
  /** Writes a Kubernetes Event about a workload of a cluster; undefined: no Events are written. */
  readonly event?: (cluster: string, event: KubeEvent) => void;
};

type Log = (message: string, fields: object) => void;

const DAY_MS = 86_400_000;
/** How long an alarm waits for the facts of a move, milliseconds; then it goes out without them. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 1000;

export class Alerts {
  readonly #ledger: Ledger;
  readonly #options: AlertOptions;
  readonly #metrics: WatcherMetrics;
  readonly #log: Log;
  readonly #notifier: Notifier;

  constructor(ledger: Ledger, options: AlertOptions, metrics: WatcherMetrics, log: Log) {
    this.#ledger = ledger;
    this.#options = options;
    this.#metrics = metrics;
    this.#log = log;
    this.#notifier = new Notifier(ledger, options.sinks, options.post, log);
  }

  start(): void {
    this.#notifier.start();
  }

  stop(): void {
    this.#notifier.stop();
  }

  /**
   * Raises what fires in one cluster now, and ends the alarms of it that no longer fire.
   * @throws when the ledger does not answer
   */
  async firing(cluster: string, rows: readonly DeployedContainer[], hasPolicy: boolean): Promise<void> {
    await this.#raise(firingAlarms(rows, hasPolicy), cluster);
  }

  /** @param known resolves when the new image was read, or could not be read */
  async moved({ reference, from, to, rested }: TagChange, known: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([known(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())]);
      const [before = [], after = []] = await Promise.all(
        [from, to].map((digest) => this.#ledger.images(digest ?? '')),
      );
      const pair = comparable(before, after);
      const changes = pair === undefined ? undefined : summaryOf(compareFacts(...pair));
      const moved = { image: printReference(reference), from, to, restedMs: rested, changes };
      const alarm = alarmOfMove(moved, this.#options.restDays * DAY_MS);
      if (alarm !== undefined) await this.#raise([alarm], undefined);
      await this.#compareSigners(moved);
    } catch (error) {
      this.#notStored(error);
    }
  }

  /** The same digest, evaluated again. */
  signers({ reference, before, now }: SignerChange): void {
    const alarm = alarmOfSigners(printReference(reference), before, { ...now, digest: before.digest });
    if (alarm === undefined) return;
    this.#raise([alarm], undefined).catch((error: unknown) => this.#notStored(error));
  }

  /** Waits for the evidence of the new digest, because it is collected in the background. */
  async #compareSigners({ image, from, to }: { image: string; from: string | null; to: string | null }): Promise<void> {
    if (from === null || to === null) return;
    for (let patience = PATIENCE_MS; patience > 0; patience -= PAUSE_MS) {
      const rows = await this.#ledger.statements.evidence([from, to], true);
      const of = (digest: string) => rows.find((row) => row.source === 'watcher' && row.digest === digest);
      const [before, now] = [of(from), of(to)];
      if (before === undefined || before.signers.length === 0) return;
      if (now !== undefined) {
        const alarm = alarmOfSigners(image, before, { ...now, outcome: now.outcome as 'allow' });
        if (alarm !== undefined) await this.#raise([alarm], undefined);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    }
  }

  async #raise(alarms: readonly Alarm[], scope: string | undefined): Promise<void> {
    const fresh = await this.#ledger.alarms.fire(alarms, scope, (list) => this.#notifier.messagesOf(list));
    this.#metrics.raised(fresh);
    for (const alarm of fresh) {
      const { code, severity, subject, message } = alarm;
      this.#log(`alarm: ${code}`, { severity, subject, words: message });
      const { cluster } = alarm.about;
      const event = eventOf(alarm);
      if (cluster !== undefined && event !== undefined) this.#options.event?.(cluster, event);
    }
  }

  #notStored(error: unknown): void {
    this.#log('an alarm could not be stored', { problem: asProblem(error, 'file') });
  }
}

/** @returns undefined for an alarm that is about a tag and not about a workload */
export function eventOf({ code, subject, message, about }: Alarm): KubeEvent | undefined {
  const { kind, namespace, name, uid } = about;
  if (kind === undefined || namespace === undefined || name === undefined) return undefined;
  return {
    type: 'Warning',
    // `mixed-replicas` is the reason `MixedReplicas`.
    reason: code.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase()),
    action: 'Watch',
    note: `${subject}: ${message}`,
    regarding: { apiVersion: apiVersionOf(kind), kind, namespace, name, ...(uid !== undefined && { uid }) },
  };
}

function apiVersionOf(kind: string): string {
  if (['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(kind)) return 'apps/v1';
  return ['Job', 'CronJob'].includes(kind) ? 'batch/v1' : 'v1';
}
