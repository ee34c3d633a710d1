// What makes nodes pull images: workloads with the images of their templates and pods, under the
// topmost owner, which is the name that a person knows.
import type { KubeClient } from '../kube/client.ts';
import { discover, type Kind, PODS, TEMPLATED } from '../kube/kinds.ts';
import { controllerOf, type KubeObject, pathOf } from '../kube/object.ts';
import { asProblem, type Problem } from '../problem.ts';
import { CATALOGUE, type FieldRule } from '../source/fields.ts';
import { imagesOf } from '../source/object.ts';

export type Workload = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** As declared, each once. */
  readonly images: readonly string[];
  /** Its pods that are not finished. */
  readonly pods: number;
};

export type Listed = {
  readonly workloads: readonly Workload[];
  /** Kinds that could not be listed. */
  readonly problems: readonly Problem[];
};

/**
 * @param namespaces empty: all
 * @param fields those of tagproof.yaml, in addition to the catalogue
 */
export async function listWorkloads(
  client: KubeClient,
  namespaces: readonly string[],
  fields: readonly FieldRule[],
): Promise<Listed> {
  const groups = new Set([...CATALOGUE, ...fields].flatMap(({ group }) => group ?? []));
  const problems: Problem[] = [];
  const custom = await discover(client, (group) => groups.has(group)).catch((error) => {
    problems.push(asProblem(error, 'unreachable'));
    return [];
  });
  const objects: Puller[] = [];
  for (const kind of [...TEMPLATED, PODS, ...custom]) {
    for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
      try {
        const { items } = await client.list(pathOf(kind, namespace), '', (item) => pullerOf(kind, item, fields));
        for (const item of items) objects.push(item);
      } catch (error) {
        problems.push(asProblem(error, 'unreachable'));
      }
    }
  }
  return { workloads: group(objects), problems };
}

/** What is kept of an object: its name, its owner, and the images that it pulls. */
export type Puller = Omit<Workload, 'pods'> & { readonly owner?: Omit<Workload, 'pods' | 'images' | 'namespace'> };

export function pullerOf({ apiVersion, kind }: Kind, object: KubeObject, fields: readonly FieldRule[]): Puller {
  const { name = '', namespace = '', uid = '' } = object.metadata ?? {};
  const typed = { ...object, apiVersion, kind };
  const owner = controllerOf(object);
  const idle = isFinished(typed) || isIdle(typed);
  const images = idle ? [] : [...new Set(imagesOf(typed, fields).map(({ image }) => image))];
  const controller = owner && { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name, uid: owner.uid };
  return { apiVersion, kind, namespace, name, uid, images, ...(controller !== undefined && { owner: controller }) };
}

/** Objects under their topmost owners. Those without images are left out. */
export function group(objects: readonly Puller[]): Workload[] {
  const byUid = new Map(objects.map((object) => [object.uid, object]));
  const found = new Map<string, { top: Puller; images: Set<string>; pods: number }>();
  for (const object of objects) {
    if (object.images.length === 0) continue;
    const top = topOf(object, byUid);
    const entry = found.get(top.uid) ?? { top, images: new Set<string>(), pods: 0 };
    for (const image of object.images) entry.images.add(image);
    if (object.kind === PODS.kind) entry.pods++;
    found.set(top.uid, entry);
  }
  return [...found.values()].map(({ top, images, pods }) => {
    const { owner: _, ...rest } = top;
    return { ...rest, images: [...images], pods };
  });
}

const MAX_OWNERS = 5;

/** An owner that was not listed is known by its reference only, and is the topmost one. */
function topOf(object: Puller, byUid: ReadonlyMap<string, Puller>): Puller {
  let top = object;
  for (let depth = 0; depth < MAX_OWNERS && top.owner !== undefined; depth++)
    top = byUid.get(top.owner.uid) ?? { ...top.owner, namespace: top.namespace, images: [] };
  return top;
}

/** It will not start any pod again. */
function isFinished({ kind, status }: KubeObject): boolean {
  const { phase, conditions } = (status ?? {}) as { phase?: string; conditions?: { type: string; status: string }[] };
  if (kind === 'Pod') return phase === 'Succeeded' || phase === 'Failed';
  const ends = (type: string) => ['Complete', 'Failed'].includes(type);
  return kind === 'Job' && (conditions ?? []).some(({ type, status: value }) => ends(type) && value === 'True');
}

/** A ReplicaSet that is kept for a rollback runs nothing. */
function isIdle(object: KubeObject): boolean {
  const { replicas } = (object['spec'] ?? {}) as { replicas?: number };
  return object.kind === 'ReplicaSet' && controllerOf(object) !== undefined && replicas === 0;
}
