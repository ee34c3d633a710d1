// The built-in kinds that make nodes pull images, and the discovery of custom ones. kubernetes.io,
// "Workloads".
import { Problem } from '../problem.ts';
import type { KubeClient } from './client.ts';
import type { Resource } from './object.ts';

export type Kind = Resource & { readonly kind: string };

export const PODS: Kind = { apiVersion: 'v1', resource: 'pods', kind: 'Pod' };

/** Kinds with a pod template. */
export const TEMPLATED: readonly Kind[] = [
  { apiVersion: 'v1', resource: 'replicationcontrollers', kind: 'ReplicationController' },
  { apiVersion: 'v1', resource: 'podtemplates', kind: 'PodTemplate' },
  { apiVersion: 'apps/v1', resource: 'deployments', kind: 'Deployment' },
  { apiVersion: 'apps/v1', resource: 'replicasets', kind: 'ReplicaSet' },
  { apiVersion: 'apps/v1', resource: 'statefulsets', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', resource: 'daemonsets', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', resource: 'jobs', kind: 'Job' },
  { apiVersion: 'batch/v1', resource: 'cronjobs', kind: 'CronJob' },
];

/**
 * Kinds between a pod and the workload that people name: a Deployment owns ReplicaSets, a CronJob
 * owns Jobs.
 */
export const MAKERS: readonly Kind[] = TEMPLATED.filter(({ kind }) => kind === 'ReplicaSet' || kind === 'Job');

type GroupList = { groups?: { name: string; preferredVersion: { groupVersion: string } }[] };
type ResourceList = { resources?: { name: string; kind: string; namespaced: boolean; verbs: string[] }[] };

/**
 * The namespaced kinds of the wanted API groups that this cluster serves and that can be listed.
 */
export async function discover(client: KubeClient, wanted: (group: string) => boolean): Promise<Kind[]> {
  const { groups = [] } = (await client.get('/apis')) as GroupList;
  const kinds: Kind[] = [];
  for (const { name, preferredVersion } of groups) {
    if (!wanted(name)) continue;
    const apiVersion = preferredVersion.groupVersion;
    const { resources = [] } = (await client.get(`/apis/${apiVersion}`)) as ResourceList;
    for (const { name: resource, kind, namespaced, verbs } of resources)
      if (namespaced && !resource.includes('/') && verbs.includes('list')) kinds.push({ apiVersion, resource, kind });
  }
  return kinds;
}

/** Whether the server has this resource. */
export async function serves(client: KubeClient, { apiVersion, resource }: Resource): Promise<boolean> {
  try {
    const { resources = [] } = (await client.get(`/apis/${apiVersion}`)) as ResourceList;
    return resources.some(({ name }) => name === resource);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return false;
    throw error;
  }
}
