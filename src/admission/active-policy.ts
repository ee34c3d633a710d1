// Reads the policy that a cluster's webhook has in force: the file in its ConfigMap and the policy
// objects. For doctor and simulate.
import { loadPolicyContext, type PolicyContext } from '../evaluate/evaluate.ts';
import { IMAGE_POLICY, NAMESPACED_POLICY, resourceOf } from '../install/crds.ts';
import { NAME } from '../install/permissions.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { parseLock } from '../lock/lock.ts';
import { type Config, NO_CONFIG } from '../policy/config.ts';
import { parseConfig } from '../policy/config-file.ts';
import { mergePolicies, type Part } from '../policy/merge.ts';
import { Problem } from '../problem.ts';
import { Policies } from './policies.ts';

/** @param namespace where the webhook runs; @throws Problem `usage` if there is no policy at all */
export async function activePolicy(kube: KubeClient, namespace: string): Promise<PolicyContext> {
  const map = await kube.find(pathOf({ apiVersion: 'v1', resource: 'configmaps' }, namespace, NAME));
  const files = (map?.['data'] ?? {}) as Record<string, string>;
  const text = files['tagproof.yaml'];
  const file: Config | undefined = text === undefined ? undefined : parseConfig(text, `ConfigMap ${namespace}/${NAME}`);
  const objects = (
    await Promise.all([IMAGE_POLICY, NAMESPACED_POLICY].map((kind) => listIfInstalled(kube, resourceOf(kind))))
  ).flat();
  const { parts } = await new Policies().take(objects);
  const fromFile: Part[] = file === undefined ? [] : [{ name: '', config: file }];
  if (fromFile.length + parts.length === 0)
    throw new Problem(
      'usage',
      `no policy is in force: namespace ${namespace} has no ConfigMap ${NAME}, and the cluster has no ${IMAGE_POLICY.kind}`,
    );
  const { config, groups } = mergePolicies(file ?? NO_CONFIG, [...fromFile, ...parts]);
  const lock = files['tagproof.lock'];
  return loadPolicyContext(config, lock === undefined ? new Map() : parseLock(lock, 'tagproof.lock'), { groups });
}

async function listIfInstalled(
  kube: KubeClient,
  resource: { apiVersion: string; resource: string },
): Promise<readonly KubeObject[]> {
  try {
    return (await kube.list(pathOf(resource))).items;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return [];
    throw error;
  }
}
