// The evidence about one digest: only what the rules that apply to the image demand.
import type { ChildVerdicts, Evidence, PinnedReference, Reference, Resolved, Scope } from '../flow.ts';
import { printReference, withDigest } from '../image/reference.ts';
import { entryOf } from '../lock/digests.ts';
import type { Lock } from '../lock/lock.ts';
import { authoritiesOf, authoritiesOfRule, type Config, type Rule } from '../policy/config.ts';
import { hashOf } from '../policy/hash.ts';
import { applicableRules } from '../policy/match.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { type Closure, readClosure } from '../resolve/closure.ts';
import type { VerdictCache } from '../verify/cache.ts';
import { type GatheredVerdicts, gatherVerdicts, type Signer, trustVersion } from '../verify/verify.ts';

/** What evidence comes from, besides the registry. */
export type EvidenceSources = {
  readonly config: Config;
  readonly lock: Lock;
  readonly signers: readonly Signer[];
  readonly cache: VerdictCache;
  /**
   * Hashes of sets of signers, by their names: who they are and what they trust. Part of the keys
   * of the cache.
   */
  readonly bases: Map<string, string>;
};

/** Resolves a tag to the digest that it has now. */
export type TagOf = (reference: Reference) => Promise<{ readonly digest: string } | Problem>;

export type EvidenceInput = {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly resolved: Resolved;
  readonly sources: EvidenceSources;
  readonly scope: Scope;
  readonly tagOf: TagOf;
};

/**
 * Everything is about the one digest that was resolved (T2); a failure is a value of its own in the
 * evidence.
 */
export async function gatherEvidence(input: EvidenceInput): Promise<Evidence> {
  const { client, reference, sources, scope, tagOf } = input;
  const { digest } = input.resolved;
  const { rules } = applicableRules(sources.config, reference, scope, new Date());
  const named = new Set(rules.flatMap(authoritiesOfRule));
  const perPlatform = rules.filter(({ signatures, signed }) => signatures !== undefined && signed !== 'digest');
  const subject = withDigest(reference, digest);
  const signers = sources.signers.filter(({ name }) => named.has(name));
  const attestations = rules.some((rule) => rule.attestations.length > 0);
  const closure =
    perPlatform.length > 0 || rules.some(({ platforms }) => platforms.length > 0)
      ? readClosure(client, subject).catch((error) => asProblem(error, 'unreachable'))
      : undefined;
  const hasBoth = reference.tag !== undefined && reference.digest !== undefined;
  const [gathered, known, children, tagNow] = await Promise.all([
    verdictsOf({ client, subject, signers, attestations, sources }),
    closure,
    perPlatform.length === 0
      ? undefined
      : closure?.then((answer) =>
          childrenOf({ client, subject, closure: answer, signers: signersOfRules(perPlatform, signers), sources }),
        ),
    hasBoth && rules.some(({ tagAgrees }) => tagAgrees) ? tagNowOf(reference, tagOf) : undefined,
  ]);
  const entry = entryOf(sources.lock, subject);
  return {
    digest,
    ...gathered,
    ...(children !== undefined && { children }),
    ...(tagNow !== undefined && { tagNow }),
    ...(known !== undefined && { platforms: known instanceof Problem ? known : known.platforms }),
    ...(entry !== undefined && { firstSeen: entry.firstSeen }),
  };
}

async function tagNowOf({ digest: _, ...tagged }: Reference, tagOf: TagOf): Promise<string | Problem> {
  try {
    const answer = await tagOf(tagged);
    return answer instanceof Problem ? answer : answer.digest;
  } catch (error) {
    return asProblem(error, 'unreachable');
  }
}

type VerdictInput = {
  readonly client: RegistryClient;
  readonly subject: PinnedReference;
  readonly signers: readonly Signer[];
  /** Whether a rule demands attestations. */
  readonly attestations: boolean;
  readonly sources: EvidenceSources;
};

function verdictsOf({ client, subject, signers, attestations, sources }: VerdictInput): Promise<GatheredVerdicts> {
  const key = `${printReference(subject)} ${baseOf(signers, attestations, sources)}`;
  return sources.cache.get(key, () => gatherVerdicts(signers, { client, subject, attestations }));
}

/**
 * What a verdict depends on besides the digest. A changed key, identity or trust root gives another
 * base.
 */
function baseOf(signers: readonly Signer[], attestations: boolean, { config, bases }: EvidenceSources): string {
  const names = `${attestations} ${signers.map(({ name }) => JSON.stringify(name)).join()}`;
  let base = bases.get(names);
  if (base === undefined) {
    const definitions = signers.map(({ name }) => config.authorities[name]);
    base = hashOf([names, definitions, trustVersion(signers)]).slice(7, 39);
    bases.set(names, base);
  }
  return base;
}

function signersOfRules(rules: readonly Rule[], signers: readonly Signer[]): Signer[] {
  const named = new Set(rules.flatMap(({ signatures }) => (signatures === undefined ? [] : authoritiesOf(signatures))));
  return signers.filter(({ name }) => named.has(name));
}

type ChildrenSource = Omit<VerdictInput, 'attestations'> & { readonly closure: Closure | Problem };

/** The verdicts about each manifest of an index; an image of one manifest has no children. */
async function childrenOf({ closure, subject, ...rest }: ChildrenSource): Promise<readonly ChildVerdicts[] | Problem> {
  if (closure instanceof Problem) return closure;
  // Only a platform that no node has is left out. That a manifest calls itself an attachment proves
  // nothing (T9).
  const runnable = closure.children.filter(({ platform }) => !platform?.startsWith('unknown/'));
  return Promise.all(
    runnable.map(async ({ digest, platform }) => {
      const child = { ...rest, subject: withDigest(subject, digest), attestations: false };
      const { verdicts } = await verdictsOf(child);
      return { digest, verdicts, ...(platform !== undefined && { platform }) };
    }),
  );
}
