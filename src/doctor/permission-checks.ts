// Checks of permissions, by asking the API server: may the webhook do all that its features need,
// and may everyone create a bypass?
import { IMAGE_POLICY } from '../install/crds.ts';
import { type Feature, NAME, PERMISSIONS, type Permission } from '../install/permissions.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { type Attributes, may } from '../kube/rights.ts';
import { GROUP } from '../policy/object.ts';
import { type Check, fail, pass } from './check.ts';

/** @param deployment the webhook's; its arguments tell which features are on */
export async function checkPermissions(
  kube: KubeClient,
  deployment: KubeObject | undefined,
  namespace: string,
): Promise<Check[]> {
  if (deployment === undefined) return []; // the check of pods reports it
  const account = {
    user: `system:serviceaccount:${namespace}:${NAME}`,
    groups: ['system:serviceaccounts', 'system:authenticated'],
  };
  const needed = featuresOf(deployment).flatMap((feature) =>
    PERMISSIONS[feature].flatMap((permission) =>
      attributesOf(permission, namespace).map((attributes) => ({ feature, attributes })),
    ),
  );
  const checks: Check[] = [];
  for (const { feature, attributes } of needed) {
    if (await may(kube, account, attributes)) continue;
    const resource = `${attributes.resource}${attributes.group && `.${attributes.group}`}`;
    checks.push(
      fail(
        'permissions',
        `${NAME} may not ${attributes.verb} ${resource}, which ${feature} needs`,
        'apply the output of tagproof manifests again: it contains the roles',
      ),
    );
  }
  const anyone = { user: 'tagproof-doctor-nobody', groups: ['system:authenticated'] };
  const bypass = { namespace: 'default', verb: 'bypass', group: GROUP, resource: IMAGE_POLICY.plural };
  if (await may(kube, anyone, bypass))
    checks.push(
      fail(
        'permissions',
        `every authenticated user may bypass ${IMAGE_POLICY.plural}`,
        'bind the ClusterRole tagproof-bypass only to the few who need it',
      ),
    );
  if (checks.length > 0) return checks;
  return [
    pass('permissions', `the service account has all ${needed.length} permissions; not everyone may create a bypass`),
  ];
}

function featuresOf(deployment: KubeObject): Feature[] {
  const text = JSON.stringify(deployment['spec']);
  const flags: [Feature, string][] = [
    ['cluster', '"--cluster"'],
    ['certificate', '"--own-certificate"'],
    ['pull-secrets', '"--pull-secrets"'],
    ['reports', '"--report-every"'],
  ];
  return flags.filter(([, flag]) => text.includes(flag)).map(([feature]) => feature);
}

function attributesOf({ group, resources, verbs, names, ownNamespace }: Permission, namespace: string): Attributes[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => {
      const [parent = '', subresource] = resource.split('/');
      const named = names?.[0] === undefined ? {} : { name: names[0] };
      const within = ownNamespace === true ? { namespace } : {};
      return { verb, group, resource: parent, ...(subresource !== undefined && { subresource }), ...named, ...within };
    }),
  );
}
