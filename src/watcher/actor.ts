// Who or what changed a workload last: from the managedFields that the API server keeps, and from
// the annotations of deployment tools. kubernetes.io, "Server-Side Apply", "Field management".
import type { KubeClient } from '../kube/client.ts';
import { PODS, TEMPLATED } from '../kube/kinds.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';

export type Named = { readonly namespace: string; readonly kind: string; readonly name: string };
/** By `namespace/kind/name`; an absent key is an unknown actor. */
export type Actors = ReadonlyMap<string, string>;

export const actorKey = ({ namespace, kind, name }: Named): string => `${namespace}/${kind}/${name}`;

/** For more workloads of a kind than this, one list is cheaper than one request each. */
const ONE_BY_ONE = 20;
const MAX_LENGTH = 200;
const MAX_DEPTH = 12;

/** Annotations and labels of deployment tools; the first that is present counts. */
const TOOLS: readonly [annotation: string, actor: string][] = [
  ['tagproof.dev/rolled-back-by', 'rolled back by'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['meta.helm.sh/release-name', 'Helm release'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux kustomization'],
  ['helm.toolkit.fluxcd.io/name', 'Flux release'],
];

/** @returns undefined where the object does not say */
export function actorOf(object: KubeObject): string | undefined {
  const { managedFields = [], annotations = {}, labels = {} } = object.metadata ?? {};
  const [last] = managedFields
    .filter(({ manager, fieldsV1 }) => manager !== undefined && ownsImage(fieldsV1))
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1));
  const [tool] = TOOLS.flatMap(([name, actor]) => {
    const value = annotations[name] ?? labels[name];
    return value === undefined ? [] : [`${actor} ${value}`];
  });
  const cause = annotations['kubernetes.io/change-cause'];
  const parts = [last?.manager, tool, cause === undefined ? undefined : `“${cause}”`].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0 ? undefined : parts.join(', ').slice(0, MAX_LENGTH);
}

/** Whether these managed fields include the image of a container. */
function ownsImage(fields: object | undefined, depth = 0): boolean {
  if (fields === undefined || depth > MAX_DEPTH) return false;
  return Object.entries(fields).some(
    ([key, value]) => key === 'f:image' || (typeof value === 'object' && value !== null && ownsImage(value, depth + 1)),
  );
}

/** @throws Problem when the server does not answer; a workload that it does not have is left out */
export async function askActors(kube: KubeClient, workloads: readonly Named[]): Promise<Actors> {
  const wanted = new Map(workloads.map((workload) => [actorKey(workload), workload]));
  const actors = new Map<string, string>();
  const take = (kind: string, object: KubeObject) => {
    const key = actorKey({ namespace: object.metadata?.namespace ?? '', kind, name: object.metadata?.name ?? '' });
    const actor = actorOf(object);
    if (actor !== undefined && wanted.has(key)) actors.set(key, actor);
  };
  for (const [kind, ofKind] of Map.groupBy(wanted.values(), (workload) => workload.kind)) {
    const resource = [PODS, ...TEMPLATED].find((item) => item.kind === kind);
    if (resource === undefined) continue; // a custom resource: the watcher has no right to read it
    if (ofKind.length > ONE_BY_ONE) {
      await kube.list(pathOf(resource), '', (object) => take(kind, object));
      continue;
    }
    const found = await Promise.all(ofKind.map(({ namespace, name }) => kube.find(pathOf(resource, namespace, name))));
    for (const object of found) if (object !== undefined) take(kind, object);
  }
  return actors;
}
