// Writes what the led clusters run into the ledger, and raises their alarms.
import type { DeployedContainer } from '../inventory/deployed.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Alerts } from './alerts.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { LeaderElection } from './leader-election.ts';
import type { WatcherMetrics } from './metrics.ts';

export type RecordingParts = {
  readonly ledger: Ledger;
  readonly clusters: readonly ClusterWatch[];
  readonly election: Pick<LeaderElection, 'has'>;
  readonly alerts: Pick<Alerts, 'firing'>;
  readonly metrics: Pick<WatcherMetrics, 'recorded'>;
};

/** Alarms are compared no more often than this. */
const ALARMS_MS = 3000;

export class Recording {
  readonly #parts: RecordingParts;
  #alarmsCompared = Number.NEGATIVE_INFINITY;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /**
   * Clusters that this watcher leads and has read: of any other, an absent pod proves nothing.
   * @throws when the ledger does not answer: nothing is lost, because all pods are compared again
   */
  async runs(): Promise<void> {
    const { ledger, metrics } = this.#parts;
    try {
      for (const cluster of this.#led()) {
        const events = await cluster.news(ledger);
        if (events.length > 0) await ledger.append(events);
        metrics.recorded(events.length);
      }
    } catch (error) {
      for (const cluster of this.#parts.clusters) cluster.forget();
      throw error;
    }
  }

  /** @throws when the ledger does not answer */
  async alarms(deployed: readonly DeployedContainer[], hasPolicy: boolean, now = Date.now()): Promise<void> {
    if (now - this.#alarmsCompared < ALARMS_MS) return; // the next refresh compares them
    this.#alarmsCompared = now;
    const rows = Map.groupBy(deployed, ({ cluster }) => cluster);
    for (const { name } of this.#led()) await this.#parts.alerts.firing(name, rows.get(name) ?? [], hasPolicy);
  }

  #led(): ClusterWatch[] {
    const { clusters, election } = this.#parts;
    return clusters.filter(({ name, synced }) => synced && election.has(name));
  }
}
