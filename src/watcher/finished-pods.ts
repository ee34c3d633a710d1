// Pods that ran and finished before the watcher saw them run, as pods of Jobs do. Each is looked up
// in the ledger once.

import type { Owners } from '../inventory/inventory.ts';
import type { Pod } from '../inventory/pods.ts';
import type { RunEvent } from '../ledger/event.ts';
import type { Ledger, RunInterval } from '../ledger/ledger.ts';
import { actorKey } from './actor.ts';
import { isPlaced, type Recorder } from './recorder.ts';

/** Owns the set of pods that were looked up. */
export class FinishedPods {
  readonly #cluster: string;
  readonly #seen = new Set<string>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /**
   * @returns what these pods ran and the ledger does not have
   * @throws when the ledger does not answer
   */
  async unrecorded(
    ledger: Ledger,
    recorder: Recorder,
    pods: ReadonlyMap<string, Pod>,
    owners: Owners,
  ): Promise<RunEvent[]> {
    for (const uid of this.#seen) if (!pods.has(uid)) this.#seen.delete(uid);
    const fresh = [...pods.values()].filter((pod) => pod.finished && !this.#seen.has(pod.uid) && isPlaced(pod, owners));
    for (const { uid } of fresh) this.#seen.add(uid);
    const events = recorder.finished(fresh, owners);
    const byWorkload = Map.groupBy(events, ({ namespace, workload }) => actorKey({ namespace, ...workload }));
    const unrecorded: RunEvent[] = [];
    for (const [, ofWorkload] of byWorkload) {
      const [{ namespace, workload }] = ofWorkload as [RunEvent];
      const runs = await ledger.runHistory({ cluster: this.#cluster, namespace, ...workload });
      unrecorded.push(...ofWorkload.filter((event) => !runs.some((run) => isSameRun(run, event))));
    }
    return unrecorded;
  }

  /** The next call looks all of them up again. */
  forget(): void {
    this.#seen.clear();
  }
}

/**
 * Clocks of nodes and of the watcher differ, and a run is seen to end a moment after it did,
 * milliseconds.
 */
const SLACK_MS = 60_000;

/** Whether the ledger has this run: the same container ran the same digest at that time. */
export function isSameRun(run: RunInterval, { container, type, digest, since = '', until = '' }: RunEvent): boolean {
  return (
    run.container === container &&
    run.type === type &&
    run.digest === digest &&
    Date.parse(run.since) <= Date.parse(until) + SLACK_MS &&
    (run.until === null || Date.parse(run.until) >= Date.parse(since) - SLACK_MS)
  );
}
