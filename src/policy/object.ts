// A policy that is an object of the API: ImagePolicy for the whole cluster, NamespacedImagePolicy for one namespace. The same schema
// and words as tagproof.yaml.
import * as v from 'valibot';
import { Problem } from '../problem.ts';
import { type Authority, type Config, NO_CONFIG } from './config.ts';
import { ConfigSchema, namesThatMiss } from './config-file.ts';
import type { Mistake } from './yaml-file.ts';

export const GROUP = 'tagproof.dev';
export const VERSION = `${GROUP}/v1alpha1`;
export type PolicyKind = 'ImagePolicy' | 'NamespacedImagePolicy';

const { find, registries, authorities, rules, exemptions, blocked } = ConfigSchema.entries;
export const ImagePolicySpec = v.strictObject({ find, registries, authorities, rules, exemptions, blocked });
/** What a tenant may write: nothing about exemptions, registries or fields, which are the cluster's. */
export const NamespacedImagePolicySpec = v.strictObject({ authorities, rules });

export type PolicySpec = Pick<Config, 'find' | 'registries' | 'authorities' | 'rules' | 'exemptions' | 'blocked'>;

/** @throws Problem `syntax` with every mistake, a line each: `spec.rules.0.name: …` */
export function readPolicy(kind: PolicyKind, spec: unknown): PolicySpec {
  const result = v.safeParse(kind === 'ImagePolicy' ? ImagePolicySpec : NamespacedImagePolicySpec, spec ?? {});
  const output = result.success ? { ...NO_CONFIG, ...(result.output as Partial<PolicySpec>) } : NO_CONFIG;
  const mistakes = result.success
    ? [...namesThatMiss(output), ...(kind === 'ImagePolicy' ? [] : loosens(output))]
    : result.issues.map((issue): Mistake => ({ path: pathOf(issue), message: wordsOf(issue) }));
  if (mistakes.length === 0) return output;
  throw new Problem('syntax', mistakes.map(({ path, message }) => `spec.${path.join('.')}: ${message}`).join('\n'));
}

const pathOf = (issue: v.BaseIssue<unknown>) => (issue.path ?? []).map((item) => item.key as string | number);
const wordsOf = (issue: v.BaseIssue<unknown>) =>
  issue.type === 'strict_object' && issue.expected === 'never' ? 'there is no such setting here' : issue.message;

/**
 * What a tenant's policy must not do: send the webhook to hosts of its choice, with credentials that it holds, read files there
 * (T51, T52), or keep its processor busy (T30).
 */
function loosens({ authorities: named, rules: given }: PolicySpec): Mistake[] {
  const byAuthority = Object.entries(named).flatMap(([name, authority]) =>
    reaches(authority).map((setting) => ({
      path: ['authorities', name],
      message: `${setting} is for the cluster's own policy only`,
    })),
  );
  const byRule = given.flatMap((rule, index): Mistake[] => [
    ...(rule.namespaces === undefined
      ? []
      : [{ path: ['rules', index, 'namespaces'], message: 'the rules hold for their own namespace; leave it out' }]),
    ...(rule.attestations.every(({ condition }) => condition === undefined)
      ? []
      : [{ path: ['rules', index, 'attestations'], message: "conditions are for the cluster's own policy only" }]),
  ]);
  return [...byAuthority, ...byRule];
}

function reaches(authority: Authority): string[] {
  const settings: string[] = authority.signatureRepository === undefined ? [] : ['signatureRepository'];
  switch (authority.kind) {
    case 'cosign':
      if (authority.trustRoot !== 'public-good') settings.push('trustRoot');
      return settings;
    case 'notary':
      if (authority.server !== undefined) settings.push('notary.server');
      if (authority.ca !== undefined) settings.push('notary.ca');
      return settings;
    case 'notation':
      if (authority.revocation !== 'skip') settings.push('notation without revocation: skip');
      return settings;
  }
}
