// What commands that read a cluster share: the options for its address and namespaces, and the
// choice of the policy.
import type { Command } from 'commander';
import { activePolicy } from '../../admission/active-policy.ts';
import { liveHooks } from '../../doctor/doctor.ts';
import { exemptNamespaces } from '../../doctor/webhook-checks.ts';
import { loadPolicyContext, type PolicyContext } from '../../evaluate/evaluate.ts';
import { findAccess } from '../../kube/access.ts';
import { KubeClient } from '../../kube/client.ts';
import { pathOf } from '../../kube/object.ts';
import { readLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { type CommonOptions, collect } from '../shared/command.ts';
import { openProject } from '../shared/project.ts';
import { version } from '../shared/version.ts';

export type ClusterFlags = {
  kubeconfig?: string;
  context?: string;
  namespace: string[];
  installedIn: string;
};

export function clusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'default: the service account in a cluster, else KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'only this namespace (repeatable; default: all)', collect, [])
    .option('--installed-in <name>', "namespace of tagproof's webhook", 'tagproof');
}

/** Connects to the API server for the duration of the task. */
export async function withCluster<T>(
  { kubeconfig, context }: ClusterFlags,
  task: (kube: KubeClient) => Promise<T>,
): Promise<T> {
  const kube = new KubeClient(await findAccess(kubeconfig, context), `tagproof/${version()}`);
  try {
    return await task(kube);
  } finally {
    await kube.close();
  }
}

/**
 * The policy of the named file or of the project's configuration, else the policy that the cluster
 * has in force.
 */
export async function policyContextFor(
  kube: KubeClient,
  { config, inForce, installedIn, lock }: CommonOptions & ClusterFlags & { inForce: boolean; lock?: string },
): Promise<{ policyContext: PolicyContext; from: string }> {
  if (inForce && config !== undefined) throw new Problem('usage', 'expected either --config or --in-force');
  const project = inForce ? undefined : await openProject({ config, lock });
  if (project?.configuration === undefined)
    return { policyContext: await activePolicy(kube, installedIn), from: 'the policy in force' };
  const { config: settings, configuration: from } = project;
  return { policyContext: await loadPolicyContext(settings, readLock(project.lock).lock), from };
}

/**
 * Namespaces that are exempt from the webhook; without a webhook those that an installation would
 * exempt.
 */
export async function exemptFromWebhook(kube: KubeClient, { installedIn }: ClusterFlags): Promise<Set<string>> {
  const live = await liveHooks(kube);
  if (live.validating === undefined && live.mutating === undefined) return new Set(['kube-system', installedIn]);
  const { items } = await kube.list(pathOf({ apiVersion: 'v1', resource: 'namespaces' }));
  return new Set(exemptNamespaces(live, items));
}
