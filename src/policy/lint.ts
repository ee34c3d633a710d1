// What is wrong with a policy that its schema cannot see: rules that ask for nothing, or for nobody, or speak of nothing.
import { X509Certificate } from 'node:crypto';
import type { Reference } from '../flow.ts';
import { certificatesIn } from '../sigstore/pem.ts';
import { type Authority, authoritiesOf, authoritiesOfRule, type Config, type Demand, type Rule } from './config.ts';
import { matchingRules } from './match.ts';

/** Days before a certificate ends that it is told. */
const WARN_DAYS = 30;

export type Lint = {
  readonly level: 'error' | 'warning';
  readonly subject: string;
  readonly message: string;
  /** Where in tagproof.yaml. */
  readonly path: readonly (string | number)[];
};

/** @param references the images of the repository; without any, dead rules cannot be told */
export function lintPolicy(
  { rules, authorities, exemptions }: Pick<Config, 'rules' | 'authorities' | 'exemptions'>,
  references: readonly Reference[],
  now: Date,
): Lint[] {
  const lints: Lint[] = Object.entries(authorities).flatMap(([name, authority]) => lintAuthority(name, authority, now));
  if (rules.length === 0)
    lints.push({ level: 'error', subject: 'rules', message: 'there are none: every image is denied', path: ['rules'] });
  for (const [index, rule] of rules.entries()) {
    const subject = `rule '${rule.name}'`;
    const path = ['rules', index];
    if (demands(rule).length === 0) {
      const wide = rule.images.includes('**');
      lints.push({
        level: wide ? 'error' : 'warning',
        subject,
        path,
        message: wide
          ? 'lets every image pass that no other rule speaks for'
          : 'asks for nothing: its images pass as they are',
      });
    }
    if (references.length > 0 && !references.some((reference) => matchingRules([rule], reference).length > 0)) {
      lints.push({
        level: 'warning',
        subject,
        path,
        message:
          'speaks for no image that is here: a dead rule, or a pattern that misses (names are canonical: docker.io/library/nginx)',
      });
    }
    if (rule.mode === 'enforce' && rule.digest === 'off' && rule.signatures !== undefined) {
      lints.push({
        level: 'warning',
        subject,
        path,
        message: 'asks who signed, but not for a digest: say digest: required or resolve',
      });
    }
  }
  for (const [index, { until, images }] of exemptions.entries()) {
    const days = until === undefined ? Number.POSITIVE_INFINITY : (Date.parse(until) - now.getTime()) / 86_400_000;
    const over = days < -1 ? `ended on ${until}` : days < WARN_DAYS ? `ends on ${until}` : undefined;
    if (over !== undefined)
      lints.push({
        level: 'warning',
        subject: `exemption of ${images[0]}`,
        message: over,
        path: ['exemptions', index],
      });
  }
  const asked = new Set(rules.flatMap(authoritiesOfRule));
  for (const name of Object.keys(authorities)) {
    if (!asked.has(name))
      lints.push({
        level: 'warning',
        subject: `authority '${name}'`,
        message: 'no rule asks for it',
        path: ['authorities', name],
      });
  }
  const unspoken = references.filter((reference) => matchingRules(rules, reference).length === 0);
  if (rules.length > 0 && unspoken.length > 0) {
    const names = [...new Set(unspoken.map(({ registry, repository }) => `${registry}/${repository}`))].sort();
    const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
    lints.push({ level: 'warning', subject: 'rules', message: `no rule speaks for ${shown}: denied`, path: ['rules'] });
  }
  return lints;
}

/** Certificates that end, identities that are wider than they look, checks that are switched off. */
function lintAuthority(name: string, authority: Authority, now: Date): Lint[] {
  const subject = `authority '${name}'`;
  const path = ['authorities', name];
  const warn = (message: string): Lint => ({ level: 'warning', subject, message, path });
  const ends = certificatesOf(authority).flatMap((pem): Lint[] => {
    const { validTo, subject: who } = new X509Certificate(pem);
    const days = Math.floor((Date.parse(validTo) - now.getTime()) / 86_400_000);
    if (days > WARN_DAYS) return [];
    const message = `the certificate of ${who.replaceAll('\n', ', ')} ${days < 0 ? 'ended' : 'ends'} on ${validTo}`;
    return [{ level: days < 0 ? 'error' : 'warning', subject, message, path }];
  });
  if (authority.kind === 'notation')
    return [
      ...ends,
      ...(authority.level === 'audit' ? [warn('level audit lets every signature pass, whoever made it')] : []),
      ...(authority.trustedIdentities.includes('*')
        ? [warn('trusts every certificate that its stores vouch for')]
        : []),
    ];
  if (authority.kind === 'notary') return ends;
  const patterns = authority.identities.flatMap(({ subjectPattern }) => subjectPattern ?? []);
  return [
    ...ends,
    ...patterns
      .filter((pattern) => /^https:\/\/[^/]+\/[^/]+\/\*/.test(pattern))
      .map((pattern) => warn(`${pattern} speaks for every repository of its owner`)),
    ...patterns
      .filter((pattern) => !pattern.includes('@'))
      .map((pattern) =>
        warn(`${pattern} names no ref: any branch may sign, a stranger's pull request too where it runs`),
      ),
    ...(authority.identities.length > 0 && authority.transparencyLog === 'ignore' && authority.timestamp !== 'required'
      ? [warn('neither a log nor a clock is asked: a stolen certificate signs until it ends')]
      : []),
  ];
}

function certificatesOf(authority: Authority): string[] {
  const texts =
    authority.kind === 'cosign'
      ? authority.certificateAuthorities
      : authority.kind === 'notary'
        ? authority.roots
        : Object.values(authority.trustStores).flat();
  return texts.flatMap(certificatesIn);
}

/** What a rule asks, in a person's words. */
export function demands({
  digest,
  signatures,
  signed,
  attestations,
  registries,
  platforms,
  minimumAgeDays,
  tagAgrees,
  noRollback,
}: Rule): string[] {
  const asked: string[] = [];
  if (registries !== undefined) asked.push(`a registry among ${registries.join(', ')}`);
  if (digest === 'required') asked.push('a digest');
  if (digest === 'resolve') asked.push('a tag that resolves');
  if (signatures !== undefined) {
    const of = { digest: '', platforms: ' of every platform', both: ' of the index and every platform' }[signed];
    asked.push(`a signature${of} by ${people(signatures)}`);
  }
  for (const { type, by, condition } of attestations)
    asked.push(`a statement ${type} by ${people(by)}${condition === undefined ? '' : ` where ${condition}`}`);
  if (platforms.length > 0) asked.push(platforms.join(', '));
  if (tagAgrees) asked.push('a tag that still resolves to the digest beside it');
  if (noRollback) asked.push('a tag that has not gone back');
  if (minimumAgeDays > 0) asked.push(`${minimumAgeDays} days since it was first seen`);
  return asked;
}

function people(demand: Demand): string {
  const names = authoritiesOf(demand).map((name) => `'${name}'`);
  if ('threshold' in demand) return `${demand.threshold} of ${names.join(', ')}`;
  return `${names.length === 1 ? '' : 'all' in demand ? 'all of ' : 'any of '}${names.join(', ')}`;
}
