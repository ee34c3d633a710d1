// Checks the registries in use: one HEAD request for one image of each. It runs on this machine,
// not in the cluster.
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import type { Workload } from '../inventory/workloads.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { type Check, pass, unknown, warn } from './check.ts';

/** @param client undefined: do not contact registries */
export function checkRegistries(
  client: Pick<RegistryClient, 'head'> | undefined,
  workloads: readonly Workload[],
): Promise<Check[]> {
  const byHost = new Map<string, Reference>();
  for (const image of workloads.flatMap(({ images }) => images)) {
    const reference = parseReference(image);
    if (!(reference instanceof Problem) && !byHost.has(reference.registry)) byHost.set(reference.registry, reference);
  }
  if (client === undefined) return Promise.resolve([]);
  return Promise.all(
    [...byHost].map(async ([host, reference]): Promise<Check> => {
      try {
        await client.head(reference);
        return pass('registries', `${host} answers (request from this machine for ${reference.text})`);
      } catch (error) {
        const problem = asProblem(error, 'unreachable');
        const message = `${host}, request from this machine for ${reference.text}: ${problem.message}`;
        return problem.code === 'not-found' || problem.code === 'denied'
          ? warn('registries', message, 'check that the nodes can still pull it: tagproof inspect shows more')
          : unknown('registries', message);
      }
    }),
  );
}
