// A simulated cluster: workloads, pods and nodes as the watches of an API server report them.
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { WatchEvent } from '../../kube/watch.ts';
import type { Feed, Followed } from '../../watcher/feed.ts';

export type StoryWorkload = {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  readonly digest: string;
  readonly pods: number;
  readonly revision: string;
  /** Who changed it last, as managedFields shows it. */
  readonly by: string;
};

const NODES = [
  { name: 'node-0', architecture: 'amd64' },
  { name: 'node-1', architecture: 'amd64' },
  { name: 'node-2', architecture: 'arm64' },
];

export class Story implements Feed {
  readonly name: string;
  readonly #pods = new Map<string, KubeObject>();
  readonly #sets = new Map<string, KubeObject>();
  readonly #actors = new Map<string, string>();
  readonly #notify = new Map<string, (change: WatchEvent) => void>();
  #count = 0;

  constructor(name: string, workloads: readonly StoryWorkload[]) {
    this.name = name;
    for (const workload of workloads) {
      this.#sets.set(setOf(workload), this.#setObject(workload));
      for (let i = 0; i < workload.pods; i++) this.#put(workload, workload.digest);
    }
  }

  /** Replaces one pod by a new one that runs what the tag points to now. */
  restart(name: string, digest: string): void {
    const [, old] = this.#podsOf(name)[0] ?? [];
    if (old === undefined) return;
    this.#drop(old);
    this.#changed('pods', 'added', this.#put(workloadOf(old), digest));
  }

  /** A new revision: another ReplicaSet, whose pods replace all others. */
  rollOut(workload: StoryWorkload): void {
    const set = this.#setObject(workload);
    this.#sets.set(setOf(workload), set);
    this.#changed('replicasets', 'added', set);
    for (const [, pod] of this.#podsOf(workload.name)) this.#drop(pod);
    for (let i = 0; i < workload.pods; i++) this.#changed('pods', 'added', this.#put(workload, workload.digest));
  }

  async follow<T>({ resource }: Resource, { onList, onChange, take }: Followed<T>): Promise<void> {
    this.#notify.set(resource, onChange);
    const objects: Record<string, KubeObject[]> = {
      pods: [...this.#pods.values()],
      replicasets: [...this.#sets.values()],
      nodes: NODES.map(({ name, architecture }) => ({
        metadata: { name },
        status: { nodeInfo: { operatingSystem: 'linux', architecture } },
      })),
    };
    onList((objects[resource] ?? []).map(take));
  }

  async who(): Promise<ReadonlyMap<string, string>> {
    return this.#actors;
  }

  #podsOf(name: string): [string, KubeObject][] {
    return [...this.#pods].filter(([, pod]) => workloadOf(pod).name === name);
  }

  #changed(resource: string, type: WatchEvent['type'], object: KubeObject): void {
    this.#notify.get(resource)?.({ type, object });
  }

  #drop(pod: KubeObject): void {
    this.#pods.delete(pod.metadata?.uid ?? '');
    this.#changed('pods', 'deleted', pod);
  }

  #setObject({ namespace, name, revision, by, ...workload }: StoryWorkload): KubeObject {
    this.#actors.set(`${namespace}/Deployment/${name}`, by);
    const uid = setOf({ namespace, name, revision, by, ...workload });
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: `deployment-${name}`, controller: true };
    return {
      metadata: {
        name: `${name}-${revision}`,
        namespace,
        uid,
        annotations: { 'deployment.kubernetes.io/revision': revision },
        ownerReferences: [owner],
      },
    };
  }

  #put(workload: StoryWorkload, digest: string): KubeObject {
    const { namespace, name, image, revision } = workload;
    const uid = `pod-${this.#count++}`;
    const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-${revision}`, uid: setOf(workload) };
    const object: KubeObject = {
      metadata: { name: `${name}-${uid}`, namespace, uid, ownerReferences: [{ ...set, controller: true }] },
      spec: { nodeName: NODES[this.#count % NODES.length]?.name, containers: [{ name, image }] },
      status: {
        phase: 'Running',
        containerStatuses: [{ name, imageID: `${image.replace(/[:@][^/]*$/, '')}@${digest}` }],
      },
      story: workload,
    };
    this.#pods.set(uid, object);
    return object;
  }
}

const setOf = ({ name, revision }: StoryWorkload) => `set-${name}-${revision}`;
const workloadOf = (pod: KubeObject) => pod['story'] as StoryWorkload;
