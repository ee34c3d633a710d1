// What is deployed now: for each container of each workload, which digests run in how many pods, on
// which nodes. Pure.

import { digestIn } from './image-identity.ts';
import type { Owner, Pod, PodContainer } from './pods.ts';

/** Pods of one container that declare the same image and run the same digest. */
export type Running = {
  /** As these pods declare it. During a rollout, pods of one container differ. */
  readonly image: string;
  /** Undefined: the node reported nothing, or no digest. `imageId` shows what it reported. */
  readonly digest: string | undefined;
  readonly imageId: string | undefined;
  readonly pods: number;
  readonly nodes: readonly string[];
};

export type Row = {
  readonly cluster: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly container: string;
  readonly type: PodContainer['type'];
  /** What pods declare, each once. More than one during a rollout. */
  readonly declared: readonly string[];
  readonly running: readonly Running[];
  readonly pods: number;
  /** Pods of one template run different digests: the tag moved between their starts. */
  readonly mixed: boolean;
};

/** The owner of a ReplicaSet or a Job, by its uid. Null: it has no owner. */
export type Owners = ReadonlyMap<string, Owner | null>;
const MAX_OWNERS = 5;

/** @param pods finished ones are left out; @param owners as far as known */
export function inventoryOf(cluster: string, pods: Iterable<Pod>, owners: Owners): Row[] {
  type Entry = {
    row: Omit<Row, 'declared' | 'running' | 'mixed' | 'pods'>;
    replicas: Replica[];
  };
  const entries = new Map<string, Entry>();
  for (const pod of pods) {
    if (pod.finished) continue;
    const top = topOf(pod.owner, owners);
    for (const container of pod.containers) {
      const key = `${pod.namespace}\n${top.uid}\n${container.type}\n${container.name}`;
      let entry = entries.get(key);
      if (entry === undefined) {
        const { kind, name, uid } = top;
        const { name: of, type } = container;
        entry = { row: { cluster, namespace: pod.namespace, kind, name, uid, container: of, type }, replicas: [] };
        entries.set(key, entry);
      }
      entry.replicas.push({ pod, container });
    }
  }
  return [...entries.values()].map(({ row, replicas }) => ({
    ...row,
    declared: [...new Set(replicas.map(({ container }) => container.image))],
    running: runningOf(replicas),
    pods: replicas.length,
    mixed: isMixed(replicas),
  }));
}

export function topOf(owner: Owner, owners: Owners): Owner {
  let top = owner;
  for (let depth = 0; depth < MAX_OWNERS; depth++) {
    const next = owners.get(top.uid);
    if (next === undefined || next === null) return top;
    top = next;
  }
  return top;
}

/** One container of one pod. */
type Replica = { readonly pod: Pod; readonly container: PodContainer };

function runningOf(replicas: readonly Replica[]): Running[] {
  const groups = Map.groupBy(
    replicas,
    ({ container: { image, imageId } }) => `${image}\n${(imageId && digestIn(imageId)) ?? imageId ?? ''}`,
  );
  return [...groups.values()]
    .map((group) => {
      const { image = '', imageId } = group[0]?.container ?? {};
      const nodes = new Set(group.flatMap(({ pod }) => pod.node ?? []));
      return { image, digest: imageId && digestIn(imageId), imageId, pods: group.length, nodes: [...nodes].sort() };
    })
    .sort((a, b) => b.pods - a.pods);
}

/**
 * Within pods that one controller created from one template, only a moved tag explains a
 * difference.
 */
function isMixed(replicas: readonly Replica[]): boolean {
  const byTemplate = Map.groupBy(replicas, ({ pod, container }) => `${pod.owner.uid}\n${container.image}`);
  return [...byTemplate.values()].some(
    (group) => new Set(group.flatMap(({ container: { imageId } }) => (imageId && digestIn(imageId)) ?? [])).size > 1,
  );
}
