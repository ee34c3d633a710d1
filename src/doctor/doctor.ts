// Is anything left open? What lives in the cluster against what should: webhooks, API discovery, rights, certificates, exempt
// namespaces, the clock, the webhook's own pods, policies, registries. Reads only.
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { IMAGE_POLICY, NAMESPACED_POLICY, resourceOf } from '../install/crds.ts';
import { type Feature, NAME, PERMISSIONS, type Permission } from '../install/permissions.ts';
import type { Workload } from '../inventory/workloads.ts';
import type { KubeClient } from '../kube/client.ts';
import { discover } from '../kube/kinds.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { type Attributes, may } from '../kube/rights.ts';
import { GROUP } from '../policy/object.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { CATALOGUE } from '../source/fields.ts';
import { type Check, fail, pass, unknown, warn } from './check.ts';
import { checkHooks, exemptNamespaces, type Live, selfExempting } from './webhook-checks.ts';

/** Certificates and tokens stop working at more than this, milliseconds. */
const MAX_SKEW_MS = 30_000;
const ADMISSION = 'admissionregistration.k8s.io/v1';

export type DoctorTarget = {
  readonly kube: KubeClient;
  /** The webhook's own namespace. */
  readonly namespace: string;
  /** Namespaces that are meant to be exempt, beside its own. */
  readonly exempt: readonly string[];
  readonly workloads: readonly Workload[];
  /** Undefined: registries are not asked. */
  readonly registries: RegistryClient | undefined;
};

/** The webhook's own Deployment, where it is. */
type Installed = Promise<KubeObject | undefined>;

export async function examine(target: DoctorTarget): Promise<Check[]> {
  const { kube, namespace } = target;
  const live = await liveHooks(kube);
  const installed = kube.find(pathOf({ apiVersion: 'apps/v1', resource: 'deployments' }, namespace, NAME));
  const parts: [subject: string, look: () => Promise<Check[]>][] = [
    ['clock', () => clock(target)],
    ['webhook', () => hooks(target, live)],
    ['namespaces', () => namespaces(target, live)],
    ['pods', () => pods(target, installed)],
    ['rights', () => rights(target, installed)],
    ['policies', () => policies(target)],
    ['back-stop', () => backstop(target)],
    ['registries', () => registries(target)],
  ];
  const looked = await Promise.all(
    parts.map(async ([subject, look]) => {
      try {
        return await look();
      } catch (error) {
        return [unknown(subject, asProblem(error, 'unreachable').message)];
      }
    }),
  );
  return looked.flat();
}

export async function liveHooks(kube: KubeClient): Promise<Live> {
  const [mutating, validating] = await Promise.all(
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) =>
      kube.find(pathOf({ apiVersion: ADMISSION, resource }, undefined, NAME)),
    ),
  );
  return { mutating, validating };
}

async function clock({ kube }: DoctorTarget): Promise<Check[]> {
  const theirs = await kube.clock();
  if (theirs === undefined) return [unknown('clock', 'the API server does not tell its time')];
  const skew = Math.abs(theirs - Date.now());
  const seconds = `${Math.round(skew / 1000)} s`;
  if (skew > MAX_SKEW_MS)
    return [warn('clock', `this machine and the API server differ by ${seconds}`, 'set both by NTP')];
  return [pass('clock', `within ${MAX_SKEW_MS / 1000} s of the API server's`)];
}

async function hooks({ kube }: DoctorTarget, live: Live): Promise<Check[]> {
  const groups = new Set(CATALOGUE.flatMap(({ group }) => group ?? []));
  const custom = await discover(kube, (group) => groups.has(group));
  return checkHooks(live, custom, Date.now());
}

async function namespaces({ kube, namespace, exempt, workloads }: DoctorTarget, live: Live): Promise<Check[]> {
  const { items } = await kube.list(pathOf({ apiVersion: 'v1', resource: 'namespaces' }));
  const meant = new Set([...exempt, namespace]);
  const checks: Check[] = [];
  const left = exemptNamespaces(live, items);
  for (const name of left.filter((item) => !meant.has(item))) {
    const count = workloads.filter((workload) => workload.namespace === name).length;
    checks.push(
      fail(
        'namespaces',
        `${name} is exempt (${count} workloads) and not meant to be`,
        `take it out of the webhooks' namespaceSelector, or say --exempt-namespace ${name}`,
      ),
    );
  }
  for (const label of selfExempting(live))
    checks.push(
      fail(
        'namespaces',
        `the label ${label} decides whether a namespace is looked at: who may edit one may leave (T20)`,
        'select by kubernetes.io/metadata.name only',
      ),
    );
  return checks.length > 0 ? checks : [pass('namespaces', `exempt, as meant: ${left.join(', ') || 'none'}`)];
}

async function pods({ namespace }: DoctorTarget, installed: Installed): Promise<Check[]> {
  const deployment = await installed;
  if (deployment === undefined)
    return [
      fail(
        'pods',
        `there is no Deployment ${NAME} in ${namespace}`,
        'apply the output of tagproof manifests, or name its namespace with --namespace',
      ),
    ];
  const { replicas = 1, template } = deployment['spec'] as { replicas?: number; template: object };
  const { readyReplicas: ready = 0 } = (deployment['status'] ?? {}) as { readyReplicas?: number };
  const checks: Check[] = [];
  const say = ready === 0 ? fail : warn;
  const look = `kubectl -n ${namespace} describe deployment ${NAME}`;
  checks.push(
    ready >= replicas
      ? pass('pods', `${ready} of ${replicas} ready`)
      : say('pods', `${ready} of ${replicas} are ready`, look),
  );
  if (replicas < 2)
    checks.push(warn('pods', 'there is one replica: while it moves, nothing is admitted', 'set replicas to 2 or more'));
  if (!/"image":"[^"]+@sha256:[0-9a-f]{64}"/.test(JSON.stringify(template)))
    checks.push(fail('pods', "the webhook's own image is not pinned", 'give its image with its digest'));
  return checks;
}

/** Asked of the API server for the webhook's own service account; and whether just anybody may break the glass. */
async function rights({ kube, namespace }: DoctorTarget, installed: Installed): Promise<Check[]> {
  const deployment = await installed;
  if (deployment === undefined) return [];
  const args = JSON.stringify(deployment['spec']);
  const features: [Feature, boolean][] = [
    ['cluster', args.includes('"--cluster"')],
    ['certificate', args.includes('"--own-certificate"')],
    ['pull-secrets', args.includes('"--pull-secrets"')],
    ['reports', args.includes('"--report-every"')],
  ];
  const account = {
    user: `system:serviceaccount:${namespace}:${NAME}`,
    groups: ['system:serviceaccounts', 'system:authenticated'],
  };
  const checks: Check[] = [];
  let asked = 0;
  for (const [feature, on] of features) {
    for (const line of on ? PERMISSIONS[feature] : []) {
      for (const attributes of attributesOf(line, namespace)) {
        asked++;
        if (!(await may(kube, account, attributes)))
          checks.push(
            fail(
              'rights',
              `${NAME} may not ${attributes.verb} ${attributes.resource}${attributes.group && `.${attributes.group}`}, which ${feature} needs`,
              'apply the output of tagproof manifests again: it holds the roles',
            ),
          );
      }
    }
  }
  const anybody = { user: 'tagproof-doctor-nobody', groups: ['system:authenticated'] };
  const bypass = { namespace: 'default', verb: 'bypass', group: GROUP, resource: IMAGE_POLICY.plural };
  if (await may(kube, anybody, bypass))
    checks.push(
      fail(
        'rights',
        `everybody who is logged in may bypass ${IMAGE_POLICY.plural}`,
        'bind the ClusterRole tagproof-bypass to the few who need it',
      ),
    );
  return checks.length > 0
    ? checks
    : [pass('rights', `the service account may do all ${asked} things that it needs; bypass is not for everybody`)];
}

function attributesOf({ group, resources, verbs, names, own }: Permission, namespace: string): Attributes[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => {
      const [parent = '', subresource] = resource.split('/');
      const named = names?.[0] === undefined ? {} : { name: names[0] };
      const within = own === true ? { namespace } : {};
      return { verb, group, resource: parent, ...(subresource !== undefined && { subresource }), ...named, ...within };
    }),
  );
}

async function policies({ kube }: DoctorTarget): Promise<Check[]> {
  const checks: Check[] = [];
  let count = 0;
  for (const kind of [IMAGE_POLICY, NAMESPACED_POLICY]) {
    let items: readonly KubeObject[];
    try {
      items = (await kube.list(pathOf(resourceOf(kind)))).items;
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') continue; // not installed with policy objects
      throw error;
    }
    count += items.length;
    for (const { metadata, status } of items) {
      const { conditions = [] } = (status ?? {}) as {
        conditions?: { type: string; status: string; message: string }[];
      };
      const name = `${kind.kind} ${metadata?.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata?.name}`;
      const ready = conditions.find(({ type }) => type === 'Ready');
      if (ready === undefined)
        checks.push(unknown('policies', `${name}: nobody has looked at it: is the webhook running with --cluster?`));
      else if (ready.status !== 'True')
        checks.push(fail('policies', `${name}: ${ready.message}`, 'mend it; the webhook takes it over by itself'));
      const findings = conditions.find(({ type, status: clean }) => type === 'Clean' && clean !== 'True');
      if (findings !== undefined)
        checks.push(warn('policies', `${name}: ${findings.message}`, 'see tagproof policy lint'));
    }
  }
  return checks.length > 0 ? checks : [pass('policies', `${count} policy objects, all in force`)];
}

async function backstop({ kube }: DoctorTarget): Promise<Check[]> {
  const path = pathOf({ apiVersion: ADMISSION, resource: 'validatingadmissionpolicybindings' });
  const { items } = await kube.list(path);
  const bound = items.filter(({ metadata }) => metadata?.name?.startsWith('tagproof-'));
  if (bound.length > 0)
    return [pass('back-stop', `${bound.length} ValidatingAdmissionPolicies hold digests while the webhook is away`)];
  return [
    warn(
      'back-stop',
      'there is none: while the webhook is away, failurePolicy alone decides',
      'tagproof vap | kubectl apply -f -',
    ),
  ];
}

/** One image of each registry in use, as the webhook would ask; from here, and not from the cluster. */
async function registries({ workloads, registries: client }: DoctorTarget): Promise<Check[]> {
  if (client === undefined) return [];
  const byHost = new Map<string, Reference>();
  for (const image of workloads.flatMap(({ images }) => images)) {
    const reference = parseReference(image);
    if (!(reference instanceof Problem) && !byHost.has(reference.registry)) byHost.set(reference.registry, reference);
  }
  return Promise.all(
    [...byHost].map(async ([host, reference]): Promise<Check> => {
      try {
        await client.head(reference);
        return pass('registries', `${host} answers (asked from this machine for ${reference.text})`);
      } catch (error) {
        const problem = asProblem(error, 'unreachable');
        const message = `${host}, asked from this machine for ${reference.text}: ${problem.message}`;
        return problem.code === 'not-found' || problem.code === 'denied'
          ? warn('registries', message, 'can the nodes still pull it? tagproof inspect shows more')
          : unknown('registries', message);
      }
    }),
  );
}
