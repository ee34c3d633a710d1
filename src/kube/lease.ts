// One of several replicas at a time: a Lease that its holder renews. coordination.k8s.io/v1. Good enough for work that may be done twice
// now and then, never for what must not.
import { Problem } from '../problem.ts';
import type { KubeClient } from './client.ts';
import { pathOf } from './object.ts';

const LEASES = { apiVersion: 'coordination.k8s.io/v1', resource: 'leases' };

type Spec = { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number; leaseTransitions?: number };

/** @param seconds it is held for without being renewed; @returns whether it is ours now; @throws Problem when the server cannot say */
export async function hold(
  client: KubeClient,
  namespace: string,
  name: string,
  holder: string,
  seconds: number,
  now = Date.now(),
): Promise<boolean> {
  const path = pathOf(LEASES, namespace, name);
  const lease = await client.find(path);
  const before = (lease?.['spec'] ?? {}) as Spec;
  const others =
    before.holderIdentity !== undefined && before.holderIdentity !== '' && before.holderIdentity !== holder;
  const until = Date.parse(before.renewTime ?? '') + (before.leaseDurationSeconds ?? 0) * 1000;
  if (others && until > now) return false;
  const spec = {
    ...before,
    holderIdentity: holder,
    leaseDurationSeconds: seconds,
    renewTime: new Date(now).toISOString().replace('Z', '000Z'), // MicroTime
    leaseTransitions: (before.leaseTransitions ?? 0) + (others ? 1 : 0),
  };
  try {
    if (lease === undefined)
      await client.create(pathOf(LEASES, namespace), {
        apiVersion: LEASES.apiVersion,
        kind: 'Lease',
        metadata: { name, namespace },
        spec,
      });
    else await client.replace(path, { ...lease, spec });
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') return false; // another was faster
    throw error;
  }
}
