// From pods to run events: what started, what grew and what ended since the last comparison. It
// starts from the open runs of the ledger, so that a restart repeats nothing and misses nothing.

import { digestIn } from '../inventory/image-identity.ts';
import { type Owners, topOf } from '../inventory/inventory.ts';
import type { Pod } from '../inventory/pods.ts';
import { MAKERS } from '../kube/kinds.ts';
import type { RunEvent } from '../ledger/event.ts';
import type { RunInterval } from '../ledger/ledger.ts';

type Key = Pick<RunEvent, 'namespace' | 'container' | 'type' | 'image' | 'digest'> & {
  readonly kind: string;
  readonly name: string;
  readonly revision: string;
};
type Count = { readonly key: Key; pods: number };
const textOf = (key: Key) => JSON.stringify(Object.values(key));

/** Numbers of ControllerRevisions, by the uid of their owner, a slash, and their name or hash. */
export type Revisions = ReadonlyMap<string, string>;

/**
 * False until its ReplicaSet or Job is known: before that, it is unknown which workload it belongs
 * to.
 */
export function isPlaced({ owner }: Pod, owners: Owners): boolean {
  return owners.has(owner.uid) || !MAKERS.some(({ kind }) => kind === owner.kind);
}

/** Owns the counts. */
export class Recorder {
  readonly #cluster: string;
  /** The open runs of the ledger, with the most pods at once. */
  readonly #open = new Map<string, Count>();

  constructor(cluster: string, open: readonly RunInterval[]) {
    this.#cluster = cluster;
    for (const { namespace, kind, name, container, type, image, digest, revision, pods } of open) {
      const key: Key = { namespace, kind, name, container, type: type as Key['type'], image, digest, revision };
      this.#open.set(textOf(key), { key, pods });
    }
  }

  /**
   * @param pods all that exist now
   * @returns what the ledger does not have yet; each event is returned once
   */
  changes(pods: Iterable<Pod>, owners: Owners, revisions: Revisions = new Map()): RunEvent[] {
    const now = countRuns(pods, owners, revisions);
    const events: RunEvent[] = [];
    for (const [text, { key, pods: count }] of now) {
      const before = this.#open.get(text)?.pods ?? 0;
      if (count <= before) continue;
      this.#open.set(text, { key, pods: count });
      events.push(this.#event(key, count));
    }
    for (const [text, { key }] of this.#open) {
      if (now.has(text)) continue;
      this.#open.delete(text);
      events.push(this.#event(key, 0));
    }
    return events;
  }

  /**
   * What finished pods ran, one event a container: a Job can end before the watcher sees it run.
   * The caller removes what is recorded already.
   */
  finished(pods: Iterable<Pod>, owners: Owners): RunEvent[] {
    const events: RunEvent[] = [];
    for (const pod of pods) {
      if (!pod.finished) continue;
      const { kind, name } = topOf(pod.owner, owners);
      for (const { name: container, type, image, imageId, ran } of pod.containers) {
        const digest = imageId === undefined ? undefined : digestIn(imageId);
        if (digest === undefined || ran === undefined) continue;
        const key: Key = { namespace: pod.namespace, kind, name, container, type, image, digest, revision: '' };
        events.push({ ...this.#event(key, 1), ...ran });
      }
    }
    return events;
  }

  #event({ kind, name, revision, ...rest }: Key, pods: number): RunEvent {
    const numbered = revision === '' ? {} : { revision };
    return { kind: 'run', cluster: this.#cluster, workload: { kind, name }, ...rest, ...numbered, pods };
  }
}

/** How many pods run each digest. A container without a digest does not run yet. */
function countRuns(pods: Iterable<Pod>, owners: Owners, revisions: Revisions): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const pod of pods) {
    if (pod.finished || !isPlaced(pod, owners)) continue;
    const { kind, name, ...top } = topOf(pod.owner, owners);
    const revision = top.revision ?? revisions.get(`${pod.owner.uid}/${pod.revisionHash}`) ?? '';
    for (const { name: container, type, image, imageId } of pod.containers) {
      const digest = imageId === undefined ? undefined : digestIn(imageId);
      if (digest === undefined) continue;
      const key: Key = { namespace: pod.namespace, kind, name, container, type, image, digest, revision };
      const entry = counts.get(textOf(key));
      if (entry === undefined) counts.set(textOf(key), { key, pods: 1 });
      else entry.pods++;
    }
  }
  return counts;
}
