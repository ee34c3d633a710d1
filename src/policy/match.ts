// Which rules speak for an image: by its canonical repository, and by its tag where a rule is limited to some.
import type { Reference, Scope } from '../flow.ts';
import { isBelow } from '../image/hosts.ts';
import { matchesPattern } from '../image/pattern.ts';
import { repositoryOf } from '../image/reference.ts';
import { asksForDigest, type Config, type Exemption, type Rule } from './config.ts';

/** @param scope where it would run: what is not known limits no rule, so that nothing escapes one */
export function rulesFor(rules: readonly Rule[], reference: Reference, { namespace, kind }: Scope = {}): Rule[] {
  const repository = repositoryOf(reference);
  return rules.filter(
    ({ images, tags, namespaces, kinds }) =>
      images.some((pattern) => matchesImage(pattern, repository)) &&
      (tags === undefined || matchesTag(tags, reference)) &&
      (namespaces === undefined || namespace === undefined || namespaces.some((p) => matchesPattern(p, namespace))) &&
      (kinds === undefined || kind === undefined || kinds.includes(kind)),
  );
}

/** What speaks for an image where it would run: rules, or an exemption in place of those that hold for every namespace. */
export type ApplicableRules = { readonly rules: readonly Rule[]; readonly exemption?: Exemption };

export type Policy = Pick<Config, 'rules' | 'exemptions' | 'tightening' | 'blocked'>;

/** A namespace's own rules come on top, even of an exemption; alone they make nothing pass. */
export function applicableRules(policy: Policy, reference: Reference, scope: Scope, now: Date): ApplicableRules {
  const exemption = policy.exemptions.find((item) => isExempt(item, reference, scope, now));
  const own = exemption === undefined ? rulesFor(policy.rules, reference, scope) : [];
  if (own.length === 0 && exemption === undefined) return { rules: [] };
  const tightening = scope.namespace === undefined ? undefined : policy.tightening?.get(scope.namespace);
  const rules = tightening === undefined ? own : [...own, ...rulesFor(tightening, reference, scope)];
  return exemption === undefined ? { rules } : { rules, exemption };
}

/** The same for two settings where the same is asked: what is judged once for both. */
export function applicableRulesKey(policy: Policy, reference: Reference, scope: Scope, now: Date): string {
  const { rules, exemption } = applicableRules(policy, reference, scope, now);
  return [...rules.map(({ name }) => name), ...(exemption === undefined ? [] : ['(exemption)', exemption.reason])].join(
    '\n',
  );
}

/** Must a tag be resolved? A rule asks, or its repository once held what must never run again. */
export function needsDigest(policy: Pick<Policy, 'blocked'>, reference: Reference, rules: readonly Rule[]): boolean {
  return rules.some(asksForDigest) || isWatched(policy, reference);
}

export function isWatched({ blocked = [] }: Pick<Policy, 'blocked'>, reference: Reference): boolean {
  return blocked.some(({ repository }) => repository === repositoryOf(reference));
}

function isExempt({ images, namespaces, until }: Exemption, reference: Reference, { namespace }: Scope, now: Date) {
  const repository = repositoryOf(reference);
  return (
    images.some((pattern) => matchesPattern(pattern, repository)) &&
    // Where nobody knows the namespace, an exemption for one of them is none.
    (namespaces === undefined || (namespace !== undefined && namespaces.some((p) => matchesPattern(p, namespace)))) &&
    (until === undefined || now.getTime() < Date.parse(until) + 86_400_000)
  );
}

/** `*.example.com/x` is one or more labels before the domain: never `evilexample.com` (T25, T26). */
function matchesImage(pattern: string, repository: string): boolean {
  if (pattern === '**') return true;
  if (!pattern.startsWith('*.')) return matchesPattern(pattern, repository);
  const slash = pattern.indexOf('/');
  const suffix = pattern.slice(1, slash);
  const host = repository.slice(0, repository.indexOf('/'));
  return isBelow(host, suffix) && matchesPattern(pattern.slice(slash + 1), repository.slice(host.length + 1));
}

/** A reference by digest only could be any tag's: a tag-scoped rule speaks for it too (T6). */
function matchesTag(tags: readonly string[], { tag, digest }: Reference): boolean {
  if (tag === undefined && digest !== undefined) return true;
  return tags.some((pattern) => matchesPattern(pattern, tag ?? 'latest'));
}
