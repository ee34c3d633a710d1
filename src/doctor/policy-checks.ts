// Checks of the policy objects: is each of them in force, and what does lint find?
import { IMAGE_POLICY, NAMESPACED_POLICY, resourceOf } from '../install/crds.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { Problem } from '../problem.ts';
import { type Check, fail, pass, unknown, warn } from './check.ts';

type Condition = { type: string; status: string; message: string };

export async function checkPolicyObjects(kube: KubeClient): Promise<Check[]> {
  const objects: [kind: string, object: KubeObject][] = [];
  for (const kind of [IMAGE_POLICY, NAMESPACED_POLICY]) {
    try {
      const { items } = await kube.list(pathOf(resourceOf(kind)));
      objects.push(...items.map((item): [string, KubeObject] => [kind.kind, item]));
    } catch (error) {
      // This installation has no policy objects.
      if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    }
  }
  const checks = objects.flatMap(([kind, object]) => checkPolicyObject(kind, object));
  return checks.length > 0 ? checks : [pass('policies', `${objects.length} policy objects, all in force`)];
}

function checkPolicyObject(kind: string, { metadata, status }: KubeObject): Check[] {
  const { conditions = [] } = (status ?? {}) as { conditions?: Condition[] };
  const name = `${kind} ${metadata?.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata?.name}`;
  const checks: Check[] = [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready === undefined)
    checks.push(unknown('policies', `${name}: has no status: does the webhook run with --cluster?`));
  else if (ready.status !== 'True')
    checks.push(fail('policies', `${name}: ${ready.message}`, 'fix the policy; the webhook then loads it by itself'));
  const findings = conditions.find((condition) => condition.type === 'Clean' && condition.status !== 'True');
  if (findings !== undefined) checks.push(warn('policies', `${name}: ${findings.message}`, 'see tagproof policy lint'));
  return checks;
}
