// A rollback in a live cluster: one patch that tests what it replaces, tried as a dry run first.
import type { KubeClient } from '../../kube/client.ts';
import { TEMPLATED } from '../../kube/kinds.ts';
import { type KubeObject, pathOf } from '../../kube/object.ts';
import { Problem } from '../../problem.ts';

export type Changed = { readonly container: string; readonly from: string; readonly to: string };
type Named = { readonly name: string; readonly image?: string };

/**
 * @param images by container: what each is to run
 * @param dryRun the API server tries it, and nothing is changed; @param by who and why, kept in an annotation
 * @throws Problem `conflict` when somebody changed an image in between
 */
export async function applyToCluster(
  kube: Pick<KubeClient, 'get' | 'patch'>,
  { namespace, kind, name }: { readonly namespace: string; readonly kind: string; readonly name: string },
  images: ReadonlyMap<string, string>,
  { dryRun, by }: { readonly dryRun: boolean; readonly by: string },
): Promise<Changed[]> {
  const resource = TEMPLATED.find((item) => item.kind === kind);
  if (resource === undefined)
    throw new Problem(
      'usage',
      `${kind}: expected one of ${TEMPLATED.map((item) => item.kind).join(', ')}; roll others back in the files`,
    );
  const path = pathOf(resource, namespace, name);
  const object = await kube.get(path);
  const changes = placesOf(object).flatMap(({ container, from, pointer }) => {
    const to = images.get(container);
    return to === undefined || to === from ? [] : [{ container, from, to, pointer }];
  });
  if (changes.length === 0)
    throw new Problem('not-found', `${kind}/${name} has none of these containers, or is there already`);
  const patch = [
    ...changes.flatMap(({ from, to, pointer }) => [
      { op: 'test', path: pointer, value: from },
      { op: 'replace', path: pointer, value: to },
    ]),
    // For later readers of the object.
    ...(object.metadata?.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} }] : []),
    { op: 'add', path: '/metadata/annotations/tagproof.dev~1rolled-back-by', value: by },
  ];
  await kube.patch(`${path}?dryRun=All`, 'json', patch);
  if (!dryRun) await kube.patch(path, 'json', patch);
  return changes.map(({ container, from, to }) => ({ container, from, to }));
}

const PREFIXES = ['/spec/jobTemplate/spec/template/spec', '/spec/template/spec', '/template/spec'];

function placesOf(object: KubeObject): { container: string; from: string; pointer: string }[] {
  for (const prefix of PREFIXES) {
    const spec = prefix
      .slice(1)
      .split('/')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object) as
      | Record<string, readonly Named[] | undefined>
      | undefined;
    if (spec === undefined) continue;
    return ['initContainers', 'containers'].flatMap((list) =>
      (spec[list] ?? []).map(({ name, image = '' }, index) => ({
        container: name,
        from: image,
        pointer: `${prefix}/${list}/${index}/image`,
      })),
    );
  }
  return [];
}
