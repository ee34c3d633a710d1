// From what is seen to who is told: each alarm kept once, counted, written as an Event, and left for those who want to know.
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
import { Notifier, type Post, type Sink } from './notifier.ts';
import type { TagChange } from './tags.ts';

export type AlertOptions = {
  readonly restDays: number;
  readonly sinks: readonly Sink[];
  readonly post: Post;
  /** Kubernetes Events about workloads of a cluster; undefined: none are written. */
  readonly event?: (cluster: string, happening: KubeEvent) => void;
};

const DAY_MS = 86_400_000;
/** What a move changed is waited for so long, milliseconds; then it is told without. */
const PATIENCE_MS = 20_000;

type Say = (message: string, more: object) => void;

export class Alerts {
  readonly #ledger: Ledger;
  readonly #options: AlertOptions;
  readonly #figures: WatcherMetrics;
  readonly #say: Say;
  readonly #notifier: Notifier;

  constructor(ledger: Ledger, options: AlertOptions, figures: WatcherMetrics, say: Say) {
    this.#ledger = ledger;
    this.#options = options;
    this.#figures = figures;
    this.#say = say;
    this.#notifier = new Notifier(ledger, options.sinks, options.post, say);
  }

  start(): void {
    this.#notifier.start();
  }

  stop(): void {
    this.#notifier.stop();
  }

  /** Everything that stands in one cluster now. @throws where the ledger does not answer */
  async standing(cluster: string, rows: readonly DeployedContainer[], evaluation: boolean): Promise<void> {
    await this.#raise(firingAlarms(rows, evaluation), cluster);
  }

  /** @param known resolves when what the tag points to now could be read, or could not */
  async moved({ reference, from, to, rested }: TagChange, known: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([known(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())]);
      const sides = await Promise.all([from, to].map((digest) => this.#ledger.images(digest ?? '')));
      const pair = comparable(sides[0] ?? [], sides[1] ?? []);
      const changes = pair === undefined ? undefined : summaryOf(compareFacts(...pair));
      const moved = { image: printReference(reference), from, to, restedMs: rested, changes };
      const alarm = alarmOfMove(moved, this.#options.restDays * DAY_MS);
      if (alarm !== undefined) await this.#raise([alarm], undefined);
      await this.#signersOfMove(moved);
    } catch (error) {
      this.#say('an alarm could not be kept', { problem: asProblem(error, 'file') });
    }
  }

  /** The same digest, judged anew. */
  signers({ reference, before, now }: SignerChange): void {
    const digest = before.digest;
    const alarm = alarmOfSigners(printReference(reference), before, { ...now, digest });
    if (alarm === undefined) return;
    this.#raise([alarm], undefined).catch((error: unknown) =>
      this.#say('an alarm could not be kept', { problem: asProblem(error, 'file') }),
    );
  }

  /** The digest before, and the one now: does the same one speak for both? */
  async #signersOfMove({ image, from, to }: { image: string; from: string | null; to: string | null }): Promise<void> {
    if (from === null || to === null) return;
    for (let patience = PATIENCE_MS; patience > 0; patience -= 1000) {
      const found = (await this.#ledger.statements.evidence([from, to], true)).filter(
        ({ source }) => source === 'watcher',
      );
      const of = (digest: string) => found.find((row) => row.digest === digest);
      const [before, now] = [of(from), of(to)];
      if (before === undefined || before.signers.length === 0) return; // nobody spoke for it
      if (now !== undefined) {
        const alarm = alarmOfSigners(image, before, { ...now, outcome: now.outcome as 'allow' });
        if (alarm !== undefined) await this.#raise([alarm], undefined);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1000).unref());
    }
  }

  async #raise(alarms: readonly Alarm[], scope: string | undefined): Promise<void> {
    const fresh = await this.#ledger.alarms.fire(alarms, scope, (list) => this.#notifier.messagesOf(list));
    this.#figures.raised(fresh);
    for (const alarm of fresh) {
      const { code, severity, subject, message, about } = alarm;
      this.#say(`alarm: ${code}`, { severity, subject, words: message });
      const { cluster, namespace, kind, name, uid } = about;
      if (cluster === undefined || kind === undefined || namespace === undefined || name === undefined) continue;
      const regarding = { apiVersion: apiVersionOf(kind), kind, namespace, name, ...(uid !== undefined && { uid }) };
      const reason = code.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
      this.#options.event?.(cluster, {
        type: 'Warning',
        reason,
        action: 'Watch',
        note: `${subject}: ${message}`,
        regarding,
      });
    }
  }
}

const apiVersionOf = (kind: string) =>
  ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(kind)
    ? 'apps/v1'
    : ['Job', 'CronJob'].includes(kind)
      ? 'batch/v1'
      : 'v1';
