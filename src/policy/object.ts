// Policies as Kubernetes objects: ImagePolicy for the whole cluster, NamespacedImagePolicy for one
// namespace. They have the schema of tagproof.yaml. Pure.
import * as v from 'valibot';
import { Problem } from '../problem.ts';
import { type Authority, type Config, NO_CONFIG } from './config.ts';
import { ConfigSchema, nameMistakes } from './config-schema.ts';
import { type Mistake, mistakeOf } from './yaml-file.ts';

export const GROUP = 'tagproof.dev';
export const VERSION = `${GROUP}/v1alpha1`;
export type PolicyKind = 'ImagePolicy' | 'NamespacedImagePolicy';

const { find, registries, authorities, rules, exemptions, blocked } = ConfigSchema.entries;
export const ImagePolicySpec = v.strictObject({ find, registries, authorities, rules, exemptions, blocked });
/**
 * What a tenant may write. Exemptions, the blocklist, registries and fields belong to the cluster.
 */
export const NamespacedImagePolicySpec = v.strictObject({ authorities, rules });

export type PolicySpec = Pick<Config, 'find' | 'registries' | 'authorities' | 'rules' | 'exemptions' | 'blocked'>;

/** @throws Problem `syntax` with every mistake, a line each: `spec.rules.0.name: …` */
export function readPolicy(kind: PolicyKind, spec: unknown): PolicySpec {
  const result = v.safeParse(kind === 'ImagePolicy' ? ImagePolicySpec : NamespacedImagePolicySpec, spec ?? {});
  const output = result.success ? { ...NO_CONFIG, ...(result.output as Partial<PolicySpec>) } : NO_CONFIG;
  const mistakes = result.success
    ? [...nameMistakes(output), ...(kind === 'ImagePolicy' ? [] : tenantMistakes(output))]
    : result.issues.map(mistakeOf);
  if (mistakes.length === 0) return output;
  throw new Problem('syntax', mistakes.map(({ path, message }) => `spec.${path.join('.')}: ${message}`).join('\n'));
}

/**
 * The policy of a tenant must not make the webhook send requests to hosts that the tenant chooses,
 * with the credentials of
 * the webhook. It must not make it read files (T51, T52) or spend processor time (T30).
 */
function tenantMistakes({ authorities: named, rules: given }: PolicySpec): Mistake[] {
  const byAuthority = Object.entries(named).flatMap(([name, authority]) =>
    clusterSettings(authority).map((setting) => ({
      path: ['authorities', name],
      message: `only the policy of the cluster may set ${setting}`,
    })),
  );
  const byRule = given.flatMap((rule, index): Mistake[] => [
    ...(rule.namespaces === undefined
      ? []
      : [{ path: ['rules', index, 'namespaces'], message: 'the rules apply to their own namespace: leave this out' }]),
    ...(rule.attestations.every(({ condition }) => condition === undefined)
      ? []
      : [{ path: ['rules', index, 'attestations'], message: 'only the policy of the cluster may set conditions' }]),
  ]);
  return [...byAuthority, ...byRule];
}

/** Settings that lead the webhook to other hosts or to files. */
function clusterSettings(authority: Authority): string[] {
  const settings = authority.signatureRepository === undefined ? [] : ['signatureRepository'];
  return [...settings, ...CLUSTER_SETTINGS[authority.kind](authority as never)];
}

/** By kind, so that a new kind of authority must say what a tenant may not set. */
const CLUSTER_SETTINGS: {
  readonly [K in Authority['kind']]: (authority: Extract<Authority, { kind: K }>) => string[];
} = {
  cosign: ({ trustRoot }) => (trustRoot === 'public-good' ? [] : ['trustRoot']),
  notary: ({ server, ca }) => [
    ...(server === undefined ? [] : ['notary.server']),
    ...(ca === undefined ? [] : ['notary.ca']),
  ],
  notation: ({ revocation }) => (revocation === 'skip' ? [] : ['notation without revocation: skip']),
};
