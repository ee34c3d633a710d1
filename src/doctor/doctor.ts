// Compares the cluster with what an installation should be: webhooks, API discovery, permissions,
// certificates, exempt namespaces, the clock, the webhook's pods, policies, registries. Reads only.
import { NAME } from '../install/permissions.ts';
import type { Workload } from '../inventory/workloads.ts';
import type { KubeClient } from '../kube/client.ts';
import { discover } from '../kube/kinds.ts';
import { pathOf } from '../kube/object.ts';
import { asProblem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { CATALOGUE } from '../source/fields.ts';
import { type Check, unknown } from './check.ts';
import { checkBackstop, checkClock, checkDeployment, checkNamespaces } from './cluster-checks.ts';
import { checkPermissions } from './permission-checks.ts';
import { checkPolicyObjects } from './policy-checks.ts';
import { checkRegistries } from './registry-checks.ts';
import { checkHooks, type Live } from './webhook-checks.ts';

export type DoctorTarget = {
  readonly kube: KubeClient;
  /** The webhook's namespace. */
  readonly namespace: string;
  /** Namespaces that are meant to be exempt, besides the webhook's own. */
  readonly exempt: readonly string[];
  readonly workloads: readonly Workload[];
  /** Undefined: do not contact registries. */
  readonly registries: RegistryClient | undefined;
};

/** Runs every check. A check that fails to run is `unknown` and does not stop the others. */
export async function examine(target: DoctorTarget): Promise<Check[]> {
  const { kube, namespace, workloads, registries } = target;
  const live = await liveHooks(kube);
  const deployment = kube.find(pathOf({ apiVersion: 'apps/v1', resource: 'deployments' }, namespace, NAME));
  const parts: [subject: string, check: () => Promise<Check[]>][] = [
    ['clock', async () => checkClock(await kube.clock(), Date.now())],
    ['webhook', async () => checkHooks(live, await customKinds(kube), Date.now())],
    ['namespaces', () => checkNamespaces(target, live)],
    ['pods', async () => checkDeployment(await deployment, namespace)],
    ['permissions', async () => checkPermissions(kube, await deployment, namespace)],
    ['policies', () => checkPolicyObjects(kube)],
    ['back-stop', () => checkBackstop(kube)],
    ['registries', () => checkRegistries(registries, workloads)],
  ];
  const checks = await Promise.all(
    parts.map(async ([subject, check]) => {
      try {
        return await check();
      } catch (error) {
        return [unknown(subject, asProblem(error, 'unreachable').message)];
      }
    }),
  );
  return checks.flat();
}

/** The webhook configurations as they are in the cluster. */
export async function liveHooks(kube: KubeClient): Promise<Live> {
  const [mutating, validating] = await Promise.all(
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) =>
      kube.find(pathOf({ apiVersion: 'admissionregistration.k8s.io/v1', resource }, undefined, NAME)),
    ),
  );
  return { mutating, validating };
}

/** Kinds of the field catalogue that this cluster serves. */
function customKinds(kube: KubeClient) {
  const groups = new Set(CATALOGUE.flatMap(({ group }) => group ?? []));
  return discover(kube, (group) => groups.has(group));
}
