// Who or what changed a workload last: what the API server itself keeps of it (managedFields), and what deployers write beside it.
// kubernetes.io, "Server-Side Apply", "Field management".
import type { KubeClient } from '../kube/client.ts';
import { PODS, TEMPLATED } from '../kube/kinds.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';

export type Named = { readonly namespace: string; readonly kind: string; readonly name: string };
/** By `namespace/kind/name`; what is not there is not known. */
export type Actors = ReadonlyMap<string, string>;

export const actorKey = ({ namespace, kind, name }: Named): string => `${namespace}/${kind}/${name}`;

/** More than these are listed, and not asked for one by one. */
const ONE_BY_ONE = 20;
const MAX_LENGTH = 200;

/** What deployers say of themselves; the first that is there is told. */
const HINTS: readonly [annotation: string, says: string][] = [
  ['tagproof.dev/rolled-back-by', 'rolled back by'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['meta.helm.sh/release-name', 'Helm release'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux kustomization'],
  ['helm.toolkit.fluxcd.io/name', 'Flux release'],
];

/** @returns undefined where nothing tells */
export function actorOf(object: KubeObject): string | undefined {
  const { managedFields = [], annotations = {}, labels = {} } = object.metadata ?? {};
  const [last] = managedFields
    .filter(({ manager, fieldsV1 }) => manager !== undefined && touchesImages(fieldsV1))
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1));
  const hint = HINTS.flatMap(([name, says]) => {
    const value = annotations[name] ?? labels[name];
    return value === undefined ? [] : [`${says} ${value}`];
  })[0];
  const cause = annotations['kubernetes.io/change-cause'];
  const parts = [last?.manager, hint, cause === undefined ? undefined : `“${cause}”`].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0 ? undefined : parts.join(', ').slice(0, MAX_LENGTH);
}

/** Does this manager own the image of any container? */
function touchesImages(fields: object | undefined, depth = 0): boolean {
  if (fields === undefined || depth > 12) return false;
  return Object.entries(fields).some(
    ([key, value]) =>
      key === 'f:image' || (typeof value === 'object' && value !== null && touchesImages(value, depth + 1)),
  );
}

/** @throws Problem when the server cannot say; one that it does not have is left out */
export async function askActors(kube: KubeClient, workloads: readonly Named[]): Promise<Actors> {
  const wanted = new Map(workloads.map((workload) => [actorKey(workload), workload]));
  const actors = new Map<string, string>();
  const take = (kind: string, object: KubeObject) => {
    const key = actorKey({ namespace: object.metadata?.namespace ?? '', kind, name: object.metadata?.name ?? '' });
    const actor = actorOf(object);
    if (actor !== undefined && wanted.has(key)) actors.set(key, actor);
  };
  for (const [kind, mine] of Map.groupBy(wanted.values(), (workload) => workload.kind)) {
    const resource = [PODS, ...TEMPLATED].find((item) => item.kind === kind);
    if (resource === undefined) continue; // a custom controller's: nobody gave us leave to read it
    if (mine.length > ONE_BY_ONE) {
      await kube.list(pathOf(resource), '', (object) => take(kind, object));
      continue;
    }
    for (const object of await Promise.all(
      mine.map(({ namespace, name }) => kube.find(pathOf(resource, namespace, name))),
    ))
      if (object !== undefined) take(kind, object);
  }
  return actors;
}
