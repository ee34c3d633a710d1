// Pods as the inventory needs them: what is declared, what the node reports as running, which
// workload owns it. Everything else is dropped while the list is read.
import { controllerOf, type KubeObject } from '../kube/object.ts';

export type ContainerType = 'container' | 'init' | 'ephemeral' | 'volume';

export type PodContainer = {
  readonly name: string;
  readonly type: ContainerType;
  /** As the pod names it. */
  readonly image: string;
  /** `status.imageID`, as the runtime wrote it. Absent: the node has not reported it yet. */
  readonly imageId?: string;
  /** Of a finished pod: from when to when it ran, RFC 3339, as its node reports. */
  readonly ran?: { readonly since: string; readonly until: string };
};

export type Pod = {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly node: string | undefined;
  /** Succeeded or Failed: it no longer runs. */
  readonly finished: boolean;
  readonly owner: Owner;
  /** The ControllerRevision that it was created from, of a StatefulSet or DaemonSet. */
  readonly revisionHash?: string;
  readonly containers: readonly PodContainer[];
};

/** The controller, or the pod itself. */
export type Owner = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** Of a Deployment: the revision of the ReplicaSet between it and its pods. */
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

/** @param intern returns one string for equal ones, which saves memory where many pods are kept */
export function podOf(object: KubeObject, intern: (text: string) => string = (text) => text): Pod {
  const { uid = '', name = '', namespace = '', annotations, labels } = object.metadata ?? {};
  const spec = (object['spec'] ?? {}) as Spec;
  const status = (object['status'] ?? {}) as Status;
  const finished = status.phase === 'Succeeded' || status.phase === 'Failed';
  const containers = LISTS.flatMap(([list, statuses, type]) => {
    const reported = new Map((status[statuses] ?? []).map((item) => [item.name, item]));
    return (spec[list] ?? []).map(({ name: container, image }): PodContainer => {
      const imageId = reported.get(container)?.imageID;
      const known = imageId !== undefined && imageId !== '';
      return {
        name: intern(container),
        type,
        image: typeof image === 'string' ? intern(image) : '',
        ...(known && { imageId: intern(imageId) }),
        ...(finished && ranOf(reported.get(container)?.state?.terminated)),
      };
    });
  });
  const volumes = (spec['volumes'] ?? []).flatMap(({ name: volume, image }): PodContainer[] => {
    const reference = typeof image === 'object' ? image?.reference : undefined;
    return reference === undefined ? [] : [{ name: volume, type: 'volume', image: reference }];
  });
  const controller = controllerOf(object);
  const hash = labels?.['controller-revision-hash'];
  // A static pod belongs to its node: its mirror pod is owned by the Node and named after it.
  const isMirror = annotations?.['kubernetes.io/config.mirror'] !== undefined;
  const {
    apiVersion,
    kind,
    name: ownerName,
    uid: ownerUid,
  } = controller === undefined || isMirror ? { apiVersion: 'v1', kind: 'Pod', name, uid } : controller;
  return {
    uid,
    name,
    namespace: intern(namespace),
    node: spec.nodeName === undefined ? undefined : intern(spec.nodeName),
    finished,
    owner: { apiVersion: intern(apiVersion), kind: intern(kind), name: intern(ownerName), uid: intern(ownerUid) },
    ...(hash !== undefined && { revisionHash: intern(hash) }),
    containers: [...containers, ...volumes],
  };
}

function ranOf({ startedAt, finishedAt }: Terminated = {}): Pick<PodContainer, 'ran'> {
  if (!startedAt || !finishedAt) return {};
  const [since, until] = [new Date(startedAt), new Date(finishedAt)];
  const known = !Number.isNaN(since.getTime()) && !Number.isNaN(until.getTime());
  return known ? { ran: { since: since.toISOString(), until: until.toISOString() } } : {};
}
