// Pods as the inventory needs them: what was declared, what the node says that runs, on whose behalf. Everything else is dropped while the
// list is read.
import { controllerOf, type KubeObject } from '../kube/object.ts';

export type ContainerType = 'container' | 'init' | 'ephemeral' | 'volume';

export type PodContainer = {
  readonly name: string;
  readonly type: ContainerType;
  /** As the pod names it. */
  readonly image: string;
  /** `status.imageID`, as the runtime wrote it; absent: the node has not said anything yet. */
  readonly imageId?: string;
  /** Of a pod that is finished: from when to when it ran, RFC 3339, as its node tells. */
  readonly ran?: { readonly since: string; readonly until: string };
};

export type Pod = {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly node: string | undefined;
  /** Succeeded or Failed: it ran, and runs no more. */
  readonly finished: boolean;
  readonly owner: Owner;
  /** The ControllerRevision that it was made from, of a StatefulSet or DaemonSet. */
  readonly revisionHash?: string;
  readonly containers: readonly PodContainer[];
};

/** The controller, or the pod itself. */
export type Owner = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Of a Deployment: the revision that the ReplicaSet between it and its pods stands for. */
  readonly revision?: string;
};

type Spec = Readonly<
  Record<string, readonly { name: string; image?: string | { reference?: string } }[] | undefined>
> & {
  readonly nodeName?: string;
};
type Terminated = { readonly startedAt?: string | null; readonly finishedAt?: string | null };
type ContainerStatus = { name: string; imageID?: string; state?: { terminated?: Terminated } };
type Status = Readonly<Record<string, readonly ContainerStatus[] | undefined>> & {
  readonly phase?: string;
};

const LISTS: readonly [spec: string, status: string, type: ContainerType][] = [
  ['initContainers', 'initContainerStatuses', 'init'],
  ['containers', 'containerStatuses', 'container'],
  ['ephemeralContainers', 'ephemeralContainerStatuses', 'ephemeral'],
];

/** @param keep gives one text for equal ones, where many pods are kept */
export function podOf(object: KubeObject, keep: (text: string) => string = (text) => text): Pod {
  const { uid = '', name = '', namespace = '', annotations, labels } = object.metadata ?? {};
  const spec = (object['spec'] ?? {}) as Spec;
  const status = (object['status'] ?? {}) as Status;
  const finished = status.phase === 'Succeeded' || status.phase === 'Failed';
  const containers = LISTS.flatMap(([list, statuses, type]) => {
    const told = new Map((status[statuses] ?? []).map((item) => [item.name, item]));
    return (spec[list] ?? []).map(({ name: container, image }): PodContainer => {
      const imageId = told.get(container)?.imageID;
      const known = imageId !== undefined && imageId !== '';
      return {
        name: keep(container),
        type,
        image: typeof image === 'string' ? keep(image) : '',
        ...(known && { imageId: keep(imageId) }),
        ...(finished && ranOf(told.get(container)?.state?.terminated)),
      };
    });
  });
  const volumes = (spec['volumes'] ?? []).flatMap(({ name: volume, image }): PodContainer[] => {
    const reference = typeof image === 'object' ? image?.reference : undefined;
    return reference === undefined ? [] : [{ name: volume, type: 'volume', image: reference }];
  });
  const controller = controllerOf(object);
  const hash = labels?.['controller-revision-hash'];
  // A static pod is the node's own; its mirror is owned by the Node and named after it.
  const isMirror = annotations?.['kubernetes.io/config.mirror'] !== undefined;
  const {
    apiVersion,
    kind,
    name: by,
    uid: byUid,
  } = controller === undefined || isMirror ? { apiVersion: 'v1', kind: 'Pod', name, uid } : controller;
  return {
    uid,
    name,
    namespace: keep(namespace),
    node: spec.nodeName === undefined ? undefined : keep(spec.nodeName),
    finished,
    owner: { apiVersion: keep(apiVersion), kind: keep(kind), name: keep(by), uid: keep(byUid) },
    ...(hash !== undefined && { revisionHash: keep(hash) }),
    containers: [...containers, ...volumes],
  };
}

function ranOf({ startedAt, finishedAt }: Terminated = {}): Pick<PodContainer, 'ran'> {
  if (!startedAt || !finishedAt) return {};
  const [since, until] = [new Date(startedAt), new Date(finishedAt)];
  const known = !Number.isNaN(since.getTime()) && !Number.isNaN(until.getTime());
  return known ? { ran: { since: since.toISOString(), until: until.toISOString() } } : {};
}
