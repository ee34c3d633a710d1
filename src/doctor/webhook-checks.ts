// Checks the live webhook configurations: they must cover every kind that makes nodes pull, on
// create and update, and let no object bypass them. Pure.
import { X509Certificate } from 'node:crypto';
import { type Kind, PODS, TEMPLATED } from '../kube/kinds.ts';
import type { KubeObject } from '../kube/object.ts';
import { matchesLabels, type Selector } from '../kube/selector.ts';
import { certificatesIn } from '../sigstore/pem.ts';
import { type Check, fail, pass, warn } from './check.ts';

type Rule = {
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly operations?: readonly string[];
  readonly resources?: readonly string[];
};
type Hook = {
  readonly name: string;
  readonly clientConfig: { readonly caBundle?: string; readonly service?: { readonly path?: string } };
  readonly rules?: readonly Rule[];
  readonly failurePolicy?: string;
  readonly namespaceSelector?: Selector;
  readonly objectSelector?: Selector;
  readonly matchConditions?: readonly unknown[];
  readonly matchPolicy?: string;
  readonly reinvocationPolicy?: string;
};
export type Live = { readonly mutating: KubeObject | undefined; readonly validating: KubeObject | undefined };

const REAPPLY = 'apply the output of tagproof manifests again (or helm upgrade)';
const DAY_MS = 86_400_000;

/** The hook of a configuration that calls this path. */
export function hookAt(configuration: KubeObject | undefined, path: string): Hook | undefined {
  const hooks = (configuration?.['webhooks'] ?? []) as Hook[];
  return hooks.find(({ clientConfig }) => clientConfig.service?.path === path);
}

/** @param custom kinds of the field catalogue that this cluster serves */
export function checkHooks({ mutating, validating }: Live, custom: readonly Kind[], now: number): Check[] {
  const [mutate, validate] = [hookAt(mutating, '/mutate'), hookAt(validating, '/validate')];
  const checks: Check[] = [];
  if (validate === undefined)
    checks.push(fail('webhook', 'nothing is validated: there is no webhook with the path /validate', REAPPLY));
  if (mutate === undefined)
    checks.push(warn('webhook', 'no digests are written: there is no webhook with the path /mutate', REAPPLY));
  for (const hook of [mutate, validate]) if (hook !== undefined) checks.push(...checkHook(hook, now));
  if (validate === undefined) return checks;
  const ephemeral = { ...PODS, resource: 'pods/ephemeralcontainers', kind: 'ephemeral containers' };
  const missing = [PODS, ephemeral, ...TEMPLATED].filter((kind) => !covers(validate, kind));
  for (const kind of missing) {
    const isPod = kind.resource.startsWith('pods');
    const result = isPod ? fail : warn;
    const effect = isPod ? 'are not reviewed' : 'are not reviewed, only the pods that they make';
    checks.push(result('coverage', `${kind.kind} (${kind.resource}): creations and updates ${effect}`, REAPPLY));
  }
  if (missing.length === 0)
    checks.push(pass('coverage', `pods, ephemeral containers, ${TEMPLATED.length} kinds with pod templates`));
  for (const kind of custom.filter((item) => !covers(validate, item)))
    checks.push(
      warn(
        'coverage',
        `${kind.kind} (${kind.apiVersion}) contains images and is not reviewed; its pods are`,
        `add a rule for ${kind.resource} of ${kind.apiVersion} to the validating webhook`,
      ),
    );
  return checks;
}

function checkHook(hook: Hook, now: number): Check[] {
  const { name, failurePolicy, objectSelector, matchConditions = [], matchPolicy } = hook;
  const checks: Check[] = [];
  if (failurePolicy !== 'Fail')
    checks.push(
      warn(
        'webhook',
        `${name}: failurePolicy is ${failurePolicy}: while the webhook does not answer, everything is admitted`,
        'set failurePolicy: Fail once the policy is final',
      ),
    );
  if (Object.keys(objectSelector ?? {}).length > 0)
    checks.push(fail('webhook', `${name}: an objectSelector excludes objects, and anyone can set labels`, REAPPLY));
  if (matchConditions.length > 0) checks.push(fail('webhook', `${name}: matchConditions exclude objects`, REAPPLY));
  if (matchPolicy === 'Exact')
    checks.push(fail('webhook', `${name}: matchPolicy Exact excludes other versions of a kind`, REAPPLY));
  const bundle = certificatesIn(Buffer.from(hook.clientConfig.caBundle ?? '', 'base64').toString('utf8'));
  const ends = bundle.map((pem) => Date.parse(new X509Certificate(pem).validTo));
  const last = Math.max(...ends);
  if (bundle.length === 0)
    checks.push(
      fail(
        'certificate',
        `${name}: no caBundle, so the API server cannot call it`,
        'check that the webhook runs: with --own-certificate it writes the bundle; else check cert-manager',
      ),
    );
  else if (last < now + 30 * DAY_MS)
    checks.push(
      (last < now ? fail : warn)(
        'certificate',
        `${name}: the CA that the API server trusts expires on ${new Date(last).toISOString()}`,
        REAPPLY,
      ),
    );
  return checks.length > 0 ? checks : [pass('webhook', `${name}: fails closed, excludes no object`)];
}

/** Whether the rules cover creations and updates of the kind, in every notation with `*`. */
export function covers({ rules = [] }: Hook, { apiVersion, resource }: Kind): boolean {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const names = (list: readonly string[] = [], value: string) => list.includes('*') || list.includes(value);
  const [parent, child] = resource.split('/');
  const isNamed = (list: readonly string[] = []) =>
    list.some(
      (item) =>
        item === '*/*' ||
        item === resource ||
        (child === undefined ? item === '*' : item === `${parent}/*` || item === `*/${child}`),
    );
  const operations = child === undefined ? ['CREATE', 'UPDATE'] : ['UPDATE'];
  return operations.every((operation) =>
    rules.some(
      (rule) =>
        names(rule.apiGroups, group) &&
        names(rule.apiVersions, version) &&
        isNamed(rule.resources) &&
        names(rule.operations, operation),
    ),
  );
}

/** Existing namespaces that at least one hook excludes. */
export function exemptNamespaces({ mutating, validating }: Live, namespaces: readonly KubeObject[]): string[] {
  const hooks = [hookAt(mutating, '/mutate'), hookAt(validating, '/validate')].filter((hook) => hook !== undefined);
  return namespaces.flatMap(({ metadata }) => {
    const { name = '', labels = {} } = metadata ?? {};
    return hooks.every(({ namespaceSelector }) => matchesLabels(namespaceSelector, labels)) ? [] : [name];
  });
}

/**
 * Labels that decide in a namespaceSelector and that everyone who may edit a namespace can set (T20).
 */
export function selfExempting(live: Live): string[] {
  const hooks = [hookAt(live.mutating, '/mutate'), hookAt(live.validating, '/validate')];
  const keys = hooks.flatMap((hook) => [
    ...Object.keys(hook?.namespaceSelector?.matchLabels ?? {}),
    ...(hook?.namespaceSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  // The API server itself sets this label.
  return [...new Set(keys)].filter((key) => key !== 'kubernetes.io/metadata.name');
}
