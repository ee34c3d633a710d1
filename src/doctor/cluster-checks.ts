// Checks of the cluster around the webhook: clock, exempt namespaces, the webhook's Deployment, the
// back-stop.
import { NAME } from '../install/permissions.ts';
import type { Workload } from '../inventory/workloads.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { type Check, fail, pass, unknown, warn } from './check.ts';
import { exemptNamespaces, type Live, selfExempting } from './webhook-checks.ts';

/** With a larger difference certificates and tokens may be refused, milliseconds. */
const MAX_SKEW_MS = 30_000;

/** @param server the API server's clock, milliseconds since 1970 */
export function checkClock(server: number | undefined, now: number): Check[] {
  if (server === undefined) return [unknown('clock', 'the API server does not report its time')];
  const skew = Math.abs(server - now);
  const seconds = `${Math.round(skew / 1000)} s`;
  if (skew > MAX_SKEW_MS)
    return [
      warn('clock', `the clocks of this machine and the API server differ by ${seconds}`, 'synchronize both by NTP'),
    ];
  return [pass('clock', `within ${MAX_SKEW_MS / 1000} s of the API server's clock`)];
}

export type NamespaceTarget = {
  readonly kube: KubeClient;
  readonly namespace: string;
  readonly exempt: readonly string[];
  readonly workloads: readonly Workload[];
};

/** Which namespaces are exempt, and whether anyone can exempt a namespace by a label. */
export async function checkNamespaces(
  { kube, namespace, exempt, workloads }: NamespaceTarget,
  live: Live,
): Promise<Check[]> {
  const { items } = await kube.list(pathOf({ apiVersion: 'v1', resource: 'namespaces' }));
  const intended = new Set([...exempt, namespace]);
  const found = exemptNamespaces(live, items);
  const unintended = found
    .filter((name) => !intended.has(name))
    .map((name) => {
      const count = workloads.filter((workload) => workload.namespace === name).length;
      return fail(
        'namespaces',
        `${name} is exempt (${count} workloads) and is not meant to be`,
        `remove it from the webhooks' namespaceSelector, or pass --exempt-namespace ${name}`,
      );
    });
  const byLabel = selfExempting(live).map((label) =>
    fail(
      'namespaces',
      `the label ${label} decides whether the webhook is called: everyone who may edit a namespace can exempt it (T20)`,
      'select by kubernetes.io/metadata.name only',
    ),
  );
  const checks = [...unintended, ...byLabel];
  return checks.length > 0 ? checks : [pass('namespaces', `exempt, as intended: ${found.join(', ') || 'none'}`)];
}

export function checkDeployment(deployment: KubeObject | undefined, namespace: string): Check[] {
  if (deployment === undefined)
    return [
      fail(
        'pods',
        `namespace ${namespace} has no Deployment ${NAME}`,
        'apply the output of tagproof manifests, or name its namespace by --installed-in',
      ),
    ];
  const { replicas = 1, template } = deployment['spec'] as { replicas?: number; template: object };
  const { readyReplicas: ready = 0 } = (deployment['status'] ?? {}) as { readyReplicas?: number };
  const checks: Check[] = [];
  const result = ready === 0 ? fail : warn;
  checks.push(
    ready >= replicas
      ? pass('pods', `${ready} of ${replicas} ready`)
      : result('pods', `${ready} of ${replicas} ready`, `kubectl -n ${namespace} describe deployment ${NAME}`),
  );
  if (replicas < 2)
    checks.push(
      warn('pods', 'there is one replica: while it is rescheduled, nothing is admitted', 'set replicas to 2 or more'),
    );
  if (!/"image":"[^"]+@sha256:[0-9a-f]{64}"/.test(JSON.stringify(template)))
    checks.push(fail('pods', "the webhook's own image is not pinned", 'name the image with its digest'));
  return checks;
}

/** Whether ValidatingAdmissionPolicies of tagproof are bound. */
export async function checkBackstop(kube: KubeClient): Promise<Check[]> {
  const resource = 'validatingadmissionpolicybindings';
  const { items } = await kube.list(pathOf({ apiVersion: 'admissionregistration.k8s.io/v1', resource }));
  const bound = items.filter(({ metadata }) => metadata?.name?.startsWith('tagproof-'));
  if (bound.length > 0)
    return [pass('back-stop', `${bound.length} ValidatingAdmissionPolicies require digests while the webhook is away`)];
  return [
    warn(
      'back-stop',
      'there is none: while the webhook is away, failurePolicy alone decides',
      'tagproof vap | kubectl apply -f -',
    ),
  ];
}
