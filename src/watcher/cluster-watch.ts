// One cluster, as its API server tells it: pods, what made them, the nodes that they run on; and what of it the ledger does not know yet.

import { inventoryOf, type Row } from '../inventory/inventory.ts';
import { ownerOf, parseNode } from '../inventory/list-pods.ts';
import { type Owner, type Pod, podOf } from '../inventory/pods.ts';
import type { KubeClient } from '../kube/client.ts';
import { MAKERS } from '../kube/kinds.ts';
import { controllerOf, type KubeObject, pathOf, type Resource } from '../kube/object.ts';
import { type WatchOptions, watch } from '../kube/watch.ts';
import type { RunEvent } from '../ledger/event.ts';
import type { Ledger, RunInterval } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { type Actors, actorKey, askActors, type Named } from './actor.ts';
import { isPlaced, Recorder } from './recorder.ts';
import { StringPool } from './string-pool.ts';

export type Followed<T> = WatchOptions<T> & Required<Pick<WatchOptions<T>, 'take'>>;

/** Where pods and their owners come from: a cluster's watch, or the demo's story. */
export type Feed = {
  /** Of the cluster. */
  readonly name: string;
  /** Until the signal; never throws. */
  readonly follow: <T>(resource: Resource, options: Followed<T>) => Promise<void>;
  /** Who changed these last. */
  readonly who: (workloads: readonly Named[]) => Promise<Actors>;
};

export const kubeFeed = (kube: KubeClient): Feed => ({
  name: kube.access.name,
  follow: (resource, options) => watch(kube, pathOf(resource), options),
  who: (workloads) => askActors(kube, workloads),
});

export type ClusterEvents = {
  readonly changed: () => void;
  readonly say: (message: string, problem: Problem) => void;
};

/** What is kept of one kind of objects. */
type Kept<T> = {
  readonly take: (object: KubeObject) => T;
  readonly clear: () => void;
  readonly put: (item: T) => void;
  readonly drop: (item: T) => void;
};

/** Without it only the numbers of StatefulSets' and DaemonSets' revisions are missing. */
const OPTIONAL = 'controllerrevisions';

/** Owns the watches. */
export class ClusterWatch {
  readonly #feed: Feed;
  readonly #on: ClusterEvents;
  readonly #pods = new Map<string, Pod>();
  readonly #owners = new Map<string, Owner | null>();
  readonly #revisions = new Map<string, string>();
  readonly #nodes = new Map<string, string>();
  readonly #strings = new StringPool();
  /** Lists that have come: before all of them, "gone" means nothing. */
  readonly #lists = new Set<string>();
  /** Finished pods that were looked at. */
  readonly #finished = new Set<string>();
  #recorder: Recorder | undefined;

  constructor(feed: Feed, on: ClusterEvents) {
    this.#feed = feed;
    this.#on = on;
  }

  get name(): string {
    return this.#feed.name;
  }

  /** True when it has been read once: before, "nothing runs" means nothing. */
  get synced(): boolean {
    return ['pods', ...MAKERS.map(({ resource }) => resource), OPTIONAL].every((name) => this.#lists.has(name));
  }

  rows(): Row[] {
    return inventoryOf(this.name, this.#pods.values(), this.#owners);
  }

  /** `linux/arm64`, of a node; undefined: it is not known. */
  platformOf(node: string): string | undefined {
    return this.#nodes.get(node);
  }

  start(signal: AbortSignal): void {
    const keep = (text: string) => this.#strings.intern(text);
    this.#follow(signal, 'v1', 'pods', {
      take: (object) => podOf(object, keep),
      clear: () => this.#pods.clear(),
      put: (pod) => this.#pods.set(pod.uid, pod),
      drop: ({ uid }) => this.#pods.delete(uid),
    });
    // Owners of pods that are still there are kept by what they were: a list replaces only its own.
    for (const { apiVersion, resource } of MAKERS)
      this.#followInto(signal, apiVersion, resource, this.#owners, ownerOf);
    this.#followInto(signal, 'apps/v1', OPTIONAL, this.#revisions, revisionOf);
    this.#followInto(signal, 'v1', 'nodes', this.#nodes, parseNode);
  }

  /**
   * What the ledger does not know yet, with who changed it where that can be told.
   * @throws where the ledger does not answer: then `forget` and try again
   */
  async news(ledger: Ledger): Promise<RunEvent[]> {
    this.#recorder ??= new Recorder(this.name, await ledger.open(this.name));
    const events = this.#recorder.changes(this.#pods.values(), this.#owners, this.#revisions);
    const ended = await this.#ended(ledger, this.#recorder);
    const begun = events.filter(({ pods }) => pods > 0);
    if (begun.length === 0) return [...events, ...ended];
    try {
      const actors = await this.#feed.who(begun.map(({ namespace, workload }) => ({ namespace, ...workload })));
      return [...events, ...ended].map((event) => {
        const actor =
          event.pods > 0 ? actors.get(actorKey({ namespace: event.namespace, ...event.workload })) : undefined;
        return actor === undefined ? event : { ...event, actor };
      });
    } catch (error) {
      this.#on.say('who changed it is not known', asProblem(error, 'unreachable'));
      return [...events, ...ended];
    }
  }

  /** Pods that came and were finished before anybody recorded them; each is looked at once. */
  async #ended(ledger: Ledger, recorder: Recorder): Promise<RunEvent[]> {
    for (const uid of this.#finished) if (!this.#pods.has(uid)) this.#finished.delete(uid);
    const fresh = [...this.#pods.values()].filter(
      (pod) => pod.finished && !this.#finished.has(pod.uid) && isPlaced(pod, this.#owners),
    );
    for (const { uid } of fresh) this.#finished.add(uid);
    const events = recorder.finished(fresh, this.#owners);
    const unknown: RunEvent[] = [];
    for (const [, mine] of Map.groupBy(events, ({ namespace, workload }) => actorKey({ namespace, ...workload }))) {
      const [{ namespace, workload }] = mine as [RunEvent];
      const runs = await ledger.runHistory({ cluster: this.name, namespace, ...workload });
      unknown.push(...mine.filter((event) => !runs.some((run) => covers(run, event))));
    }
    return unknown;
  }

  /** What the ledger has is read anew before the next news: it was not written, or somebody else wrote. */
  forget(): void {
    this.#recorder = undefined;
    this.#finished.clear();
  }

  #followInto<V>(
    signal: AbortSignal,
    apiVersion: string,
    resource: string,
    into: Map<string, V>,
    take: (object: KubeObject) => [string, V],
  ): void {
    const mine = new Set<string>();
    this.#follow<[string, V]>(signal, apiVersion, resource, {
      take,
      clear: () => {
        for (const key of mine) into.delete(key);
        mine.clear();
      },
      put: ([key, value]) => {
        mine.add(key);
        into.set(key, value);
      },
      drop: () => {}, // its last pods may be told after it; it goes with the next list
    });
  }

  #follow<T>(signal: AbortSignal, apiVersion: string, resource: string, set: Kept<T>): void {
    void this.#feed.follow<T>(
      { apiVersion, resource },
      {
        signal,
        take: set.take,
        onList: (items) => {
          set.clear();
          for (const item of items) set.put(item);
          this.#lists.add(resource);
          this.#on.changed();
        },
        onChange: ({ type, object }) => {
          const item = set.take(object);
          if (type === 'deleted') set.drop(item);
          else set.put(item);
          // A node tells that it lives every few seconds; what runs does not change by it.
          if (resource !== 'nodes') this.#on.changed();
        },
        onProblem: (problem, pauseMs) => {
          // Who may not read revisions still wants the rest.
          if (resource === OPTIONAL && problem.code === 'denied') this.#lists.add(OPTIONAL);
          this.#on.say(`${resource} of ${this.name} cannot be watched, again in ${Math.round(pauseMs)} ms`, problem);
        },
      },
    );
  }
}

/** Clocks of nodes and of the watcher differ by this much, milliseconds, and a run that was seen ended a moment after it did. */
const SLACK_MS = 60_000;

/** The record has it already: the same ran there at that time, as it was seen or as it was told before. */
function covers(run: RunInterval, { container, type, digest, since = '', until = '' }: RunEvent): boolean {
  return (
    run.container === container &&
    run.type === type &&
    run.digest === digest &&
    Date.parse(run.since) <= Date.parse(until) + SLACK_MS &&
    (run.until === null || Date.parse(run.until) >= Date.parse(since) - SLACK_MS)
  );
}

/** By whom it belongs to and its own hash, as pods carry it: a DaemonSet's pods the hash, a StatefulSet's the name. */
function revisionOf(object: KubeObject): [string, string] {
  const owner = controllerOf(object);
  const hash = object.metadata?.labels?.['controller.kubernetes.io/hash'] ?? '';
  const name = owner?.kind === 'StatefulSet' ? object.metadata?.name : hash;
  return [`${owner?.uid}/${name}`, String(object['revision'] ?? '')];
}
