// Lists pods, their owners and nodes from an API server, and keeps only what the inventory needs
// while it reads.
import type { KubeClient } from '../kube/client.ts';
import { MAKERS } from '../kube/kinds.ts';
import { controllerOf, type KubeObject, pathOf } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import type { Owners } from './inventory.ts';
import { type Owner, type Pod, podOf } from './pods.ts';

/** @param query selectors: `&labelSelector=…` */
export async function listPods(
  client: KubeClient,
  namespaces: readonly string[],
  query = '',
): Promise<{ pods: Pod[]; owners: Owners }> {
  const pods: Pod[] = [];
  const owners = new Map<string, Owner | null>();
  for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
    const { items } = await client.list(pathOf({ apiVersion: 'v1', resource: 'pods' }, namespace), query, podOf);
    for (const pod of items) pods.push(pod);
    for (const kind of MAKERS) {
      const { items: found } = await client.list(pathOf(kind, namespace), '', ownerOf);
      for (const [uid, owner] of found) owners.set(uid, owner);
    }
  }
  return { pods, owners };
}

/** The uid of an object, and its controller. */
export function ownerOf(object: KubeObject): [uid: string, owner: Owner | null] {
  const objectUid = object.metadata?.uid ?? '';
  const controller = controllerOf(object);
  if (controller === undefined) return [objectUid, null];
  const { apiVersion, kind, name, uid } = controller;
  const revision = object.metadata?.annotations?.['deployment.kubernetes.io/revision'];
  return [objectUid, { apiVersion, kind, name, uid, ...(revision !== undefined && { revision }) }];
}

/**
 * Platforms by node name, as `linux/arm64`. Empty without permission to list nodes, which many
 * users lack.
 */
export async function listNodes(client: KubeClient): Promise<Map<string, string>> {
  try {
    const { items } = await client.list(pathOf({ apiVersion: 'v1', resource: 'nodes' }), '', parseNode);
    return new Map(items);
  } catch (error) {
    if (error instanceof Problem && error.code === 'denied') return new Map();
    throw error;
  }
}

/** The name of a node, and its platform. Empty: it has not reported one. */
export function parseNode(object: KubeObject): [name: string, platform: string] {
  const { nodeInfo } = (object['status'] ?? {}) as { nodeInfo?: { operatingSystem?: string; architecture?: string } };
  return [
    object.metadata?.name ?? '',
    nodeInfo === undefined ? '' : `${nodeInfo.operatingSystem}/${nodeInfo.architecture}`,
  ];
}
