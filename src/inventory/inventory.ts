// What is deployed now: workload by workload, container by container, which digests run on how many pods and nodes. Pure.

import { digestIn } from './image-identity.ts';
import type { Owner, Pod, PodContainer } from './pods.ts';

/** Pods of one container that declare the same and run the same. */
export type Running = {
  /** As they declare it: while a rollout goes on, not all of a container do the same. */
  readonly image: string;
  /** Undefined: the node has not said, or nothing that we understand; `imageId` then shows what it wrote. */
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
  /** What pods declare, each once; more than one while a rollout goes on. */
  readonly declared: readonly string[];
  readonly running: readonly Running[];
  readonly pods: number;
  /** Pods that declare the same and run something else: a tag moved between two of their starts. */
  readonly mixed: boolean;
};

/** By uid: the owner of a ReplicaSet or a Job; null: it stands on its own. */
export type Owners = ReadonlyMap<string, Owner | null>;
const MAX_OWNERS = 5;

/** @param pods that are not finished; @param owners of owners, as far as they are known */
export function inventoryOf(cluster: string, pods: Iterable<Pod>, owners: Owners): Row[] {
  type Entry = {
    row: Omit<Row, 'declared' | 'running' | 'mixed' | 'pods'>;
    seen: { pod: Pod; container: PodContainer }[];
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
        entry = { row: { cluster, namespace: pod.namespace, kind, name, uid, container: of, type }, seen: [] };
        entries.set(key, entry);
      }
      entry.seen.push({ pod, container });
    }
  }
  return [...entries.values()].map(({ row, seen }) => ({
    ...row,
    declared: [...new Set(seen.map(({ container }) => container.image))],
    running: runningOf(seen),
    pods: seen.length,
    mixed: isMixed(seen),
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

type Seen = { readonly pod: Pod; readonly container: PodContainer };

function runningOf(seen: readonly Seen[]): Running[] {
  const groups = Map.groupBy(
    seen,
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

/** Of pods that one controller made from one template: within them a difference has no other reason than a tag. */
function isMixed(seen: readonly Seen[]): boolean {
  const byTemplate = Map.groupBy(seen, ({ pod, container }) => `${pod.owner.uid}\n${container.image}`);
  return [...byTemplate.values()].some(
    (group) => new Set(group.flatMap(({ container: { imageId } }) => (imageId && digestIn(imageId)) ?? [])).size > 1,
  );
}
