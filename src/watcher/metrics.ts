// The watcher's metrics for Prometheus. Counts only: a scraper need not know the names of
// workloads or images.

import { type DeployedContainer, FILTERS } from '../inventory/deployed.ts';
import type { Alarm } from '../ledger/alarms.ts';
import { type Metric, processFigures, Value } from '../prometheus.ts';
import type { Spent } from './budget.ts';
import type { Freshness } from './tags.ts';

export type Reading = {
  readonly rows: readonly DeployedContainer[];
  readonly clusters: readonly { readonly name: string; readonly synced: boolean }[];
  readonly freshness: Freshness;
  readonly budget: readonly Spent[];
  readonly alarms: readonly Alarm[];
  readonly waiting: readonly { readonly sink: string; readonly count: number }[];
};

/** Owns the counters of one watcher. */
export class WatcherMetrics {
  readonly #moves = new Value('counter', 'tagproof_tag_moves_total', 'Tags that moved.');
  readonly #raised = new Value('counter', 'tagproof_alarms_total', 'Alarms that were raised.');
  readonly #recorded = new Value('counter', 'tagproof_ledger_events_total', 'Entries that were added to the ledger.');
  readonly #ledgerErrors = new Value(
    'counter',
    'tagproof_ledger_errors_total',
    'Times that the ledger did not answer.',
  );
  readonly #hints = new Value('counter', 'tagproof_hints_total', 'Push notifications of registries.');

  moved(): void {
    this.#moves.add();
  }
  raised(alarms: readonly Alarm[]): void {
    for (const { code, severity } of alarms) this.#raised.add({ code, severity });
  }
  recorded(count: number): void {
    this.#recorded.add({}, count);
  }
  ledgerFailed(): void {
    this.#ledgerErrors.add();
  }
  hinted(followed: boolean): void {
    this.#hints.add({ followed: String(followed) });
  }

  print({ rows, clusters, freshness, budget, alarms, waiting }: Reading): string {
    const gauge = (name: string, help: string, values: readonly [number, Record<string, string>?][]): Metric => {
      const value = new Value('gauge', name, help);
      for (const [number, labels] of values) value.set(number, labels);
      return value;
    };
    const byCluster = Map.groupBy(rows, ({ cluster }) => cluster);
    const counted = Map.groupBy(alarms, ({ code, severity }) => `${code} ${severity}`);
    const metrics: Metric[] = [
      gauge(
        'tagproof_cluster_synced',
        'Whether the cluster has been read once.',
        clusters.map(({ name, synced }) => [synced ? 1 : 0, { cluster: name }]),
      ),
      gauge(
        'tagproof_containers',
        'Containers of workloads: all of them, and those that match each filter.',
        [...byCluster].flatMap(([cluster, rowsOfCluster]): [number, Record<string, string>][] => [
          [rowsOfCluster.length, { cluster, question: 'all' }],
          ...Object.entries(FILTERS).map(([question, matches]): [number, Record<string, string>] => [
            rowsOfCluster.filter(matches).length,
            { cluster, question },
          ]),
        ]),
      ),
      gauge(
        'tagproof_alarms',
        'Alarms that fire now.',
        [...counted].map(([key, list]) => {
          const [code = '', severity = ''] = key.split(' ');
          return [list.length, { code, severity }];
        }),
      ),
      gauge('tagproof_tags_followed', 'Tags and digests that are polled.', [[freshness.tags]]),
      gauge('tagproof_tags_fresh', 'Of them: those that were checked as recently as the objective demands.', [
        [freshness.fresh],
      ]),
      gauge('tagproof_poll_late_seconds', 'How late the oldest poll is that is due.', [[freshness.lateMs / 1000]]),
      gauge('tagproof_poll_objective_seconds', 'The objective: no poll is later than this.', [
        [freshness.objectiveMs / 1000],
      ]),
      gauge(
        'tagproof_registry_requests_hour',
        'Requests to a registry in the last hour.',
        [...Map.groupBy(budget, ({ registry }) => registry)].map(([registry, list]) => [
          list.reduce((sum, { asked }) => sum + asked, 0),
          { registry },
        ]),
      ),
      gauge(
        'tagproof_registry_remaining',
        'Requests that a registry announced it would still accept.',
        budget.flatMap(({ registry, limit }): [number, Record<string, string>][] =>
          limit === undefined ? [] : [[limit.remaining, { registry }]],
        ),
      ),
      gauge(
        'tagproof_deliveries_waiting',
        'Messages that a sink has not accepted yet.',
        waiting.map(({ sink, count }) => [count, { sink }]),
      ),
      this.#moves,
      this.#raised,
      this.#recorded,
      this.#ledgerErrors,
      this.#hints,
      processFigures,
    ];
    return `${metrics.flatMap((metric) => metric.print()).join('\n')}\n`;
  }
}
