// From pods to the record: what started to run, and what has ended. Knows what the ledger has open, so that nothing is told twice, and
// nothing that happened while nobody watched is missed.

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
/** Numbers of ControllerRevisions: by the uid of whom they belong to, a slash, and their name or hash. */
export type Revisions = ReadonlyMap<string, string>;

/** False while its ReplicaSet or Job has not come: until then nobody could say on whose behalf it runs. */
export function isPlaced({ owner }: Pod, owners: Owners): boolean {
  return owners.has(owner.uid) || !MAKERS.some(({ kind }) => kind === owner.kind);
}

/** Owns the counts. */
export class Recorder {
  readonly #cluster: string;
  /** What the ledger has open: by key, the most pods at once. */
  readonly #open = new Map<string, { key: Key; pods: number }>();

  constructor(cluster: string, open: readonly RunInterval[]) {
    this.#cluster = cluster;
    for (const { namespace, kind, name, container, type, image, digest, revision, pods } of open) {
      const key: Key = { namespace, kind, name, container, type: type as Key['type'], image, digest, revision };
      this.#open.set(JSON.stringify(Object.values(key)), { key, pods });
    }
  }

  /** @param pods all that are there now; @returns what the ledger does not know yet; told once */
  changes(pods: Iterable<Pod>, owners: Owners, revisions: Revisions = new Map()): RunEvent[] {
    const now = new Map<string, { key: Key; pods: number }>();
    for (const pod of pods) {
      if (pod.finished || !isPlaced(pod, owners)) continue;
      const { kind, name, ...top } = topOf(pod.owner, owners);
      const revision = top.revision ?? revisions.get(`${pod.owner.uid}/${pod.revisionHash}`) ?? '';
      for (const { name: container, type, image, imageId } of pod.containers) {
        const digest = imageId === undefined ? undefined : digestIn(imageId);
        if (digest === undefined) continue; // nothing runs yet that could be told
        const key: Key = { namespace: pod.namespace, kind, name, container, type, image, digest, revision };
        const text = JSON.stringify(Object.values(key));
        const entry = now.get(text);
        if (entry === undefined) now.set(text, { key, pods: 1 });
        else entry.pods++;
      }
    }
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

  /** What finished pods ran, one event a container: Jobs end faster than anybody looks. Whether it is known already is not asked here. */
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
    const of = revision === '' ? {} : { revision };
    return { kind: 'run', cluster: this.#cluster, workload: { kind, name }, ...rest, ...of, pods };
  }
}
