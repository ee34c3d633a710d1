// One cluster as its API server reports it: pods, their owners and nodes; and which runs the ledger
// does not have yet.

import { inventoryOf, type Row } from '../inventory/inventory.ts';
import { ownerOf, parseNode } from '../inventory/list-pods.ts';
import { type Owner, type Pod, podOf } from '../inventory/pods.ts';
import { MAKERS } from '../kube/kinds.ts';
import { controllerOf, type KubeObject, type Resource } from '../kube/object.ts';
import type { RunEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { asProblem, type Problem } from '../problem.ts';
import { actorKey } from './actor.ts';
import type { Feed } from './feed.ts';
import { FinishedPods } from './finished-pods.ts';
import { Recorder } from './recorder.ts';
import { StringPool } from './string-pool.ts';

export type ClusterEvents = {
  readonly changed: () => void;
  readonly log: (message: string, problem: Problem) => void;
};

/** How objects of one kind are stored. */
type Store<T> = {
  readonly take: (object: KubeObject) => T;
  readonly clear: () => void;
  readonly put: (item: T) => void;
  readonly drop: (item: T) => void;
};

/** Without it, only the revision numbers of StatefulSets and DaemonSets are missing. */
const OPTIONAL = 'controllerrevisions';
const REQUIRED = ['pods', ...MAKERS.map(({ resource }) => resource)];

/** Owns the watches. */
export class ClusterWatch {
  readonly #feed: Feed;
  readonly #events: ClusterEvents;
  readonly #pods = new Map<string, Pod>();
  readonly #owners = new Map<string, Owner | null>();
  readonly #revisions = new Map<string, string>();
  readonly #nodes = new Map<string, string>();
  readonly #strings = new StringPool();
  /** Kinds whose first list has arrived: before all of them have, an absent pod proves nothing. */
  readonly #listed = new Set<string>();
  readonly #finished: FinishedPods;
  #recorder: Recorder | undefined;

  constructor(feed: Feed, events: ClusterEvents) {
    this.#feed = feed;
    this.#events = events;
    this.#finished = new FinishedPods(feed.name);
  }

  get name(): string {
    return this.#feed.name;
  }

  /** Whether the cluster has been read once: before that, "nothing runs" means nothing. */
  get synced(): boolean {
    return [...REQUIRED, OPTIONAL].every((name) => this.#listed.has(name));
  }

  rows(): Row[] {
    return inventoryOf(this.name, this.#pods.values(), this.#owners);
  }

  /** The platform of a node, as `linux/arm64`; undefined: it is not known. */
  platformOf(node: string): string | undefined {
    return this.#nodes.get(node);
  }

  start(signal: AbortSignal): void {
    const intern = (text: string) => this.#strings.intern(text);
    this.#follow(
      signal,
      { apiVersion: 'v1', resource: 'pods' },
      {
        take: (object) => podOf(object, intern),
        clear: () => this.#pods.clear(),
        put: (pod) => this.#pods.set(pod.uid, pod),
        drop: ({ uid }) => this.#pods.delete(uid),
      },
    );
    // Makers share one map: the list of one kind replaces only the entries of that kind.
    for (const maker of MAKERS) this.#follow(signal, maker, storeIn(this.#owners, ownerOf));
    this.#follow(signal, { apiVersion: 'apps/v1', resource: OPTIONAL }, storeIn(this.#revisions, revisionOf));
    this.#follow(signal, { apiVersion: 'v1', resource: 'nodes' }, storeIn(this.#nodes, parseNode));
  }

  /**
   * Runs that the ledger does not have yet, with the actor where it is known.
   * @throws when the ledger does not answer: call `forget`, and try again later
   */
  async news(ledger: Ledger): Promise<RunEvent[]> {
    this.#recorder ??= new Recorder(this.name, await ledger.open(this.name));
    const changes = this.#recorder.changes(this.#pods.values(), this.#owners, this.#revisions);
    const finished = await this.#finished.unrecorded(ledger, this.#recorder, this.#pods, this.#owners);
    const events = [...changes, ...finished];
    const started = changes.filter(({ pods }) => pods > 0);
    if (started.length === 0) return events;
    try {
      const actors = await this.#feed.who(started.map(({ namespace, workload }) => ({ namespace, ...workload })));
      return events.map((event) => {
        const key = actorKey({ namespace: event.namespace, ...event.workload });
        const actor = event.pods > 0 ? actors.get(key) : undefined;
        return actor === undefined ? event : { ...event, actor };
      });
    } catch (error) {
      this.#events.log('the actor of a change is not known', asProblem(error, 'unreachable'));
      return events;
    }
  }

  /**
   * Reads the open runs of the ledger again before the next news: a write failed, or another
   * process wrote.
   */
  forget(): void {
    this.#recorder = undefined;
    this.#finished.forget();
  }

  #follow<T>(signal: AbortSignal, { apiVersion, resource }: Resource, store: Store<T>): void {
    void this.#feed.follow<T>(
      { apiVersion, resource },
      {
        signal,
        take: store.take,
        onList: (items) => {
          store.clear();
          for (const item of items) store.put(item);
          this.#listed.add(resource);
          this.#events.changed();
        },
        onChange: ({ type, object }) => {
          const item = store.take(object);
          if (type === 'deleted') store.drop(item);
          else store.put(item);
          // Nodes report every few seconds that they are alive; that changes nothing that runs.
          if (resource !== 'nodes') this.#events.changed();
        },
        onProblem: (problem, pauseMs) => {
          // A watcher without the right to read revisions still records the rest.
          if (resource === OPTIONAL && problem.code === 'denied') this.#listed.add(OPTIONAL);
          const pause = Math.round(pauseMs);
          this.#events.log(`cannot watch ${resource} of ${this.name}, retrying in ${pause} ms`, problem);
        },
      },
    );
  }
}

/**
 * Stores key and value in a map that several kinds may share. A deleted object stays until the next
 * list, because events of its last pods may arrive after its own deletion.
 */
function storeIn<V>(map: Map<string, V>, take: (object: KubeObject) => [string, V]): Store<[string, V]> {
  const keys = new Set<string>();
  return {
    take,
    clear: () => {
      for (const key of keys) map.delete(key);
      keys.clear();
    },
    put: ([key, value]) => {
      keys.add(key);
      map.set(key, value);
    },
    drop: () => {},
  };
}

/**
 * By owner and hash, as pods name a revision: pods of a DaemonSet carry the hash, those of a
 * StatefulSet the name.
 */
function revisionOf(object: KubeObject): [string, string] {
  const owner = controllerOf(object);
  const hash = object.metadata?.labels?.['controller.kubernetes.io/hash'] ?? '';
  const name = owner?.kind === 'StatefulSet' ? object.metadata?.name : hash;
  return [`${owner?.uid}/${name}`, String(object['revision'] ?? '')];
}
