// One image before the policy: its digest, the evidence that the rules ask for, the decision. Shared by verify, pin and check.
import type {
  ChildVerdicts,
  Decision,
  Evidence,
  Found,
  PinnedReference,
  Proof,
  Reference,
  Resolution,
  Resolved,
  Scope,
} from '../flow.ts';
import { printReference, tagKey, withDigest } from '../image/reference.ts';
import type { Lock, LockEvidence } from '../lock/lock.ts';
import { type Authority, askedBy, authoritiesOf, type Config } from '../policy/config.ts';
import { decide, forbiddenRegistry } from '../policy/decide.ts';
import { hashOf, policyHash } from '../policy/hash.ts';
import { applicableRules } from '../policy/match.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { readClosure } from '../resolve/closure.ts';
import { resolveAll } from '../resolve/resolve.ts';
import { VerdictCache } from '../verify/cache.ts';
import { expiries } from '../verify/trust/root.ts';
import {
  describeSigner,
  type GatheredVerdicts,
  gatherVerdicts,
  loadSigners,
  type Signer,
  trustVersion,
} from '../verify/verify.ts';

export type Evaluation = {
  readonly resolved: Resolution;
  readonly evidence: Evidence | undefined;
  readonly decision: Decision;
};

/** Days before an end that it is told. */
export const WARN_DAYS = 30;

/** What every image of a run is judged by. */
export type PolicyContext = {
  readonly config: Config;
  readonly lock: Lock;
  readonly signers: readonly Signer[];
  /** Of the policy, `sha256:HEX`; stands in the lock beside the evidence. */
  readonly policy: string;
  readonly cache: VerdictCache;
  /** What a verdict of some signers hangs on: who they are and what they trust, by their names. */
  readonly bases: Map<string, string>;
};

export type PolicyContextOptions = {
  /** Authorities by the policy that named them: only within one of them must nobody stand twice (T37). */
  readonly groups?: readonly Readonly<Record<string, Authority>>[];
  /** Verdicts hang on authorities, not on rules: they outlive a policy that keeps its authorities. */
  readonly cache?: VerdictCache | undefined;
};

/** @throws Problem `usage` without rules, and for authorities that cannot be used */
export async function loadPolicyContext(
  config: Config,
  lock: Lock,
  options: PolicyContextOptions = {},
): Promise<PolicyContext> {
  if (config.rules.length === 0)
    throw new Problem(
      'usage',
      'there are no rules: write authorities and rules into tagproof.yaml (tagproof policy init starts one)',
    );
  const { groups = [config.authorities], cache = new VerdictCache() } = options;
  const signers = (await Promise.all(groups.map(loadSigners))).flat();
  return { config, lock, signers, policy: policyHash(config), cache, bases: new Map() };
}

/**
 * @param reference as it will run: with its digest once it is pinned
 * @param scope where it would run
 */
export async function evaluateImage(
  client: RegistryClient,
  reference: Reference,
  resolved: Resolution,
  policyContext: PolicyContext,
  scope: Scope = {},
  tagOf: TagOf = (tagged) => client.head(tagged),
): Promise<Evaluation> {
  const evidence =
    resolved instanceof Problem
      ? undefined
      : await gatherEvidence(client, reference, resolved, policyContext, scope, tagOf);
  return {
    resolved,
    evidence,
    decision: decide(reference, resolved, evidence, policyContext.config, new Date(), scope),
  };
}

/** What a tag is now. */
export type TagOf = (reference: Reference) => Promise<{ readonly digest: string } | Problem>;

/** Only what the matching rules ask for; about the one digest that was resolved. */
async function gatherEvidence(
  client: RegistryClient,
  reference: Reference,
  { digest }: Resolved,
  policyContext: PolicyContext,
  scope: Scope,
  tagOf: TagOf,
): Promise<Evidence> {
  const { rules } = applicableRules(policyContext.config, reference, scope, new Date());
  const asked = new Set(rules.flatMap(askedBy));
  const children = rules.filter(({ signatures, signed }) => signatures !== undefined && signed !== 'digest');
  const subject = withDigest(reference, digest);
  const wanted = policyContext.signers.filter(({ name }) => asked.has(name));
  const attestations = rules.some((rule) => rule.attestations.length > 0);
  const closure =
    children.length > 0 || rules.some(({ platforms }) => platforms.length > 0)
      ? readClosure(client, subject).catch((error) => asProblem(error, 'unreachable'))
      : undefined;
  const pinned = reference.tag !== undefined && reference.digest !== undefined;
  const [gathered, known, platforms, tagNow] = await Promise.all([
    gather(client, subject, wanted, attestations, policyContext),
    closure,
    children.length === 0
      ? undefined
      : closure?.then((answer) =>
          gatherChildren(client, subject, answer, childSigners(children, wanted), policyContext),
        ),
    pinned && rules.some(({ tagAgrees }) => tagAgrees) ? tagNowOf(reference, tagOf) : undefined,
  ]);
  const entry = policyContext.lock.get(tagKey(reference));
  return {
    digest,
    ...gathered,
    ...(platforms !== undefined && { children: platforms }),
    ...(tagNow !== undefined && { tagNow }),
    ...(known !== undefined && { platforms: known instanceof Problem ? known : known.platforms }),
    ...(entry?.digest === digest && { firstSeen: entry.firstSeen }),
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

function gather(
  client: RegistryClient,
  subject: PinnedReference,
  signers: readonly Signer[],
  attestations: boolean,
  policyContext: PolicyContext,
): Promise<GatheredVerdicts> {
  const key = `${printReference(subject)} ${baseOf(signers, attestations, policyContext)}`;
  return policyContext.cache.get(key, () => gatherVerdicts(signers, { client, subject, attestations }));
}

function baseOf(signers: readonly Signer[], attestations: boolean, { config, bases }: PolicyContext): string {
  const names = `${attestations} ${signers.map(({ name }) => JSON.stringify(name)).join()}`;
  let base = bases.get(names);
  if (base === undefined) {
    const definitions = signers.map(({ name }) => config.authorities[name]);
    base = hashOf([names, definitions, trustVersion(signers)]).slice(7, 39);
    bases.set(names, base);
  }
  return base;
}

function childSigners(rules: Config['rules'], signers: readonly Signer[]): Signer[] {
  const asked = new Set(rules.flatMap(({ signatures }) => (signatures === undefined ? [] : authoritiesOf(signatures))));
  return signers.filter(({ name }) => asked.has(name));
}

/** The verdicts about each manifest of an index; an image that is one manifest has no children. */
async function gatherChildren(
  client: RegistryClient,
  subject: PinnedReference,
  closure: Awaited<ReturnType<typeof readClosure>> | Problem,
  signers: readonly Signer[],
  policyContext: PolicyContext,
): Promise<readonly ChildVerdicts[] | Problem> {
  if (closure instanceof Problem) return closure;
  // Only what no node can match is left out; that something calls itself an attachment is its own word.
  const runnable = closure.children.filter(({ platform }) => !platform?.startsWith('unknown/'));
  return Promise.all(
    runnable.map(async ({ digest, platform }) => {
      const { verdicts } = await gather(client, withDigest(subject, digest), signers, false, policyContext);
      return { digest, verdicts, ...(platform !== undefined && { platform }) };
    }),
  );
}

/** Trust roots in use that end soon, a line each. */
export function endingTrust(signers: readonly Signer[], now: Date): string[] {
  const trusted = signers.flatMap((signer) => describeSigner(signer).trust ?? []);
  const roots = new Map(trusted.map((root) => [root.id, root]));
  return [...roots.values()].flatMap((root) => expiries(root, now, WARN_DAYS));
}

/** What whoever just relied on the trust roots should know, for the last lines of a report. */
export function trustLines({ signers }: Pick<PolicyContext, 'signers'>): string[] {
  return endingTrust(signers, new Date()).map((line) => `soon: ${line}; see tagproof trust show`);
}

/** Where the image at this place would run. */
export function scopeOf({ object, namespace }: Pick<Found, 'object' | 'namespace'>): Scope {
  const kind = object?.split('/')[0];
  return { ...(kind !== undefined && { kind }), ...(namespace !== undefined && { namespace }) };
}

/** Resolves, but sends nothing to a registry that a rule forbids. */
export async function resolveAllowed(
  client: RegistryClient,
  items: readonly { readonly reference: Reference; readonly scope: Scope }[],
  { config }: Pick<PolicyContext, 'config'>,
): Promise<Map<string, Resolution>> {
  const forbidden = new Map<string, Problem>();
  for (const { reference, scope } of items) {
    const why = forbiddenRegistry(reference, config, scope, new Date());
    if (why !== undefined)
      forbidden.set(printReference(reference), new Problem('refused', why, { image: reference.text }));
  }
  const allowed = items.map(({ reference }) => reference).filter((item) => !forbidden.has(printReference(item)));
  return new Map<string, Resolution>([...(await resolveAll(allowed, { client })), ...forbidden]);
}

/** What stands in the lock about a decision: who signed, by which proof, under which policy. */
export function lockEvidence({ evidence, decision }: Evaluation, { policy }: PolicyContext): LockEvidence | undefined {
  if (evidence === undefined || decision.outcome === 'deny') return undefined;
  const proofs: [string, Proof, string?][] = [
    ...[...evidence.verdicts].flatMap(([name, verdict]): [string, Proof][] =>
      verdict.kind === 'verified' ? [[name, verdict]] : [],
    ),
    ...(evidence.attestations?.verified ?? []).map((item): [string, Proof, string] => [
      item.authority,
      item,
      item.predicateType,
    ]),
  ];
  const by = proofs.map(([authority, { keyId, identity, logIndex, times }, statement]) => ({
    authority,
    ...(statement !== undefined && { statement }),
    ...(keyId !== undefined && identity === undefined && { keyId }),
    ...identity,
    ...(logIndex !== undefined && { logIndex }),
    ...(times.length > 0 && { times: [...times] }),
  }));
  return by.length === 0
    ? undefined
    : { policy, by: by.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}
