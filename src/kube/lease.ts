// Elects one of several replicas by a Lease that the holder renews. coordination.k8s.io/v1. This
// suits work that may occasionally run twice; it does not suit work that must not.
import { Problem } from '../problem.ts';
import type { KubeClient } from './client.ts';
import { pathOf } from './object.ts';

const LEASES = { apiVersion: 'coordination.k8s.io/v1', resource: 'leases' };

type Spec = { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number; leaseTransitions?: number };

export type LeaseRequest = {
  readonly namespace: string;
  readonly name: string;
  /** Identity of this replica. */
  readonly holder: string;
  /** How long the lease is valid unless it is renewed. */
  readonly seconds: number;
};

/**
 * Acquires or renews the lease.
 * @returns whether this replica holds it
 * @throws Problem if the server does not answer
 */
export async function acquireLease(
  client: KubeClient,
  { namespace, name, holder, seconds }: LeaseRequest,
  now = Date.now(),
): Promise<boolean> {
  const path = pathOf(LEASES, namespace, name);
  const lease = await client.find(path);
  const before = (lease?.['spec'] ?? {}) as Spec;
  const taken = before.holderIdentity !== undefined && before.holderIdentity !== '' && before.holderIdentity !== holder;
  const until = Date.parse(before.renewTime ?? '') + (before.leaseDurationSeconds ?? 0) * 1000;
  if (taken && until > now) return false;
  const spec = {
    ...before,
    holderIdentity: holder,
    leaseDurationSeconds: seconds,
    renewTime: new Date(now).toISOString().replace('Z', '000Z'), // MicroTime
    leaseTransitions: (before.leaseTransitions ?? 0) + (taken ? 1 : 0),
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
    if (error instanceof Problem && error.code === 'conflict') return false; // another replica was faster
    throw error;
  }
}
