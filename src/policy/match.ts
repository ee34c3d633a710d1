// Which rules apply to an image: by its canonical repository, and by tag, namespace and kind where
// a rule is limited. Pure.
import type { Reference, Scope } from '../flow.ts';
import { isBelow } from '../image/hosts.ts';
import { matchesPattern } from '../image/pattern.ts';
import { repositoryOf } from '../image/reference.ts';
import { type Config, type Exemption, type Rule, ruleNeedsDigest } from './config.ts';

/**
 * @param scope where the image would run. What is unknown limits no rule, so that no image escapes
 * one
 */
export function matchingRules(rules: readonly Rule[], reference: Reference, { namespace, kind }: Scope = {}): Rule[] {
  const repository = repositoryOf(reference);
  return rules.filter(
    ({ images, tags, namespaces, kinds }) =>
      images.some((pattern) => matchesImage(pattern, repository)) &&
      (tags === undefined || matchesTag(tags, reference)) &&
      (namespaces === undefined || namespace === undefined || matchesAny(namespaces, namespace)) &&
      (kinds === undefined || kind === undefined || kinds.includes(kind)),
  );
}

const matchesAny = (patterns: readonly string[], text: string) => patterns.some((item) => matchesPattern(item, text));

/**
 * What applies to an image in its scope: rules, or an exemption in place of the rules for every
 * namespace.
 */
export type ApplicableRules = { readonly rules: readonly Rule[]; readonly exemption?: Exemption };

export type Policy = Pick<Config, 'rules' | 'exemptions' | 'tightening' | 'blocked'>;

/** The rules of a namespace come on top, even of an exemption. Alone they admit nothing. */
export function applicableRules(policy: Policy, reference: Reference, scope: Scope, now: Date): ApplicableRules {
  const exemption = policy.exemptions.find((item) => isExempt(item, reference, scope, now));
  const general = exemption === undefined ? matchingRules(policy.rules, reference, scope) : [];
  if (general.length === 0 && exemption === undefined) return { rules: [] };
  const tightening = scope.namespace === undefined ? undefined : policy.tightening?.get(scope.namespace);
  const rules = tightening === undefined ? general : [...general, ...matchingRules(tightening, reference, scope)];
  return exemption === undefined ? { rules } : { rules, exemption };
}

/**
 * Equal for two scopes in which the same rules apply to the image: one evaluation is enough for
 * both.
 */
export function applicableRulesKey(policy: Policy, reference: Reference, scope: Scope, now: Date): string {
  const { rules, exemption } = applicableRules(policy, reference, scope, now);
  return [...rules.map(({ name }) => name), ...(exemption === undefined ? [] : ['(exemption)', exemption.reason])].join(
    '\n',
  );
}

/**
 * Must a tag be resolved? Yes where a rule needs its digest, or where it may lead to a digest on
 * the blocklist.
 */
export function needsDigest(policy: Pick<Policy, 'blocked'>, reference: Reference, rules: readonly Rule[]): boolean {
  return rules.some(ruleNeedsDigest) || hasBlockedDigests(policy, reference);
}

/** Does the blocklist name the repository of this image? */
export function hasBlockedDigests({ blocked = [] }: Pick<Policy, 'blocked'>, reference: Reference): boolean {
  return blocked.some(({ repository }) => repository === repositoryOf(reference));
}

const DAY_MS = 86_400_000;

function isExempt({ images, namespaces, until }: Exemption, reference: Reference, { namespace }: Scope, now: Date) {
  return (
    matchesAny(images, repositoryOf(reference)) &&
    // An exemption for some namespaces does not count where the namespace is unknown.
    (namespaces === undefined || (namespace !== undefined && matchesAny(namespaces, namespace))) &&
    (until === undefined || now.getTime() < Date.parse(until) + DAY_MS)
  );
}

/**
 * `*.example.com/x` needs one or more labels before the domain: it never matches `evilexample.com`
 * (T25, T26).
 */
function matchesImage(pattern: string, repository: string): boolean {
  if (pattern === '**') return true;
  if (!pattern.startsWith('*.')) return matchesPattern(pattern, repository);
  const slash = pattern.indexOf('/');
  const suffix = pattern.slice(1, slash);
  const host = repository.slice(0, repository.indexOf('/'));
  return isBelow(host, suffix) && matchesPattern(pattern.slice(slash + 1), repository.slice(host.length + 1));
}

/**
 * A digest without a tag could belong to any tag, so a rule for some tags applies to it too (T6).
 */
function matchesTag(tags: readonly string[], { tag, digest }: Reference): boolean {
  if (tag === undefined && digest !== undefined) return true;
  return matchesAny(tags, tag ?? 'latest');
}
