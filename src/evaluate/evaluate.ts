// One image against the policy: its digest, the evidence that the rules demand, the decision. CI,
// the webhook and the watcher all call this.
import type { Decision, Evidence, Found, Proof, Reference, Resolution, Scope } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import type { Lock, LockEvidence } from '../lock/lock.ts';
import type { Authority, Config } from '../policy/config.ts';
import { decide, forbiddenRegistry } from '../policy/decide.ts';
import { policyHash } from '../policy/hash.ts';
import { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { resolveAll } from '../resolve/resolve.ts';
import { VerdictCache } from '../verify/cache.ts';
import { expiries } from '../verify/trust/root.ts';
import { describeSigner, loadSigners, type Signer } from '../verify/verify.ts';
import { type EvidenceSources, gatherEvidence, type TagOf } from './gather-evidence.ts';

export type Evaluation = {
  readonly resolved: Resolution;
  readonly evidence: Evidence | undefined;
  readonly decision: Decision;
};

/** A certificate or trust root that ends within this many days gets a warning. */
export const WARN_DAYS = 30;

/** What every image of a run is evaluated with. */
export type PolicyContext = EvidenceSources & {
  /** Hash of the policy, `sha256:HEX`; the lock records it beside the evidence. */
  readonly policy: string;
};

export type PolicyContextOptions = {
  /**
   * Authorities by the policy that names them. Two of one policy must not share a key; two of
   * different policies may (T37).
   */
  readonly groups?: readonly Readonly<Record<string, Authority>>[];
  /**
   * Verdicts depend on authorities, not on rules, so they stay valid when only the rules of a
   * policy change.
   */
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
      'there are no rules: write authorities and rules into tagproof.yaml (tagproof policy init writes a first version)',
    );
  const { groups = [config.authorities], cache = new VerdictCache() } = options;
  const signers = (await Promise.all(groups.map((group) => loadSigners(group, config.folder)))).flat();
  return { config, lock, signers, policy: policyHash(config), cache, bases: new Map() };
}

export type EvaluationInput = {
  readonly client: RegistryClient;
  /** As it will run: with its digest once it is pinned. */
  readonly reference: Reference;
  readonly resolved: Resolution;
  readonly policyContext: PolicyContext;
  /** Where the image would run. */
  readonly scope?: Scope;
  /** How a tag is resolved for `tagAgrees`; default: by the client. */
  readonly tagOf?: TagOf;
};

export async function evaluateImage({
  client,
  reference,
  resolved,
  policyContext,
  scope = {},
  tagOf = (tagged) => client.head(tagged),
}: EvaluationInput): Promise<Evaluation> {
  const evidence =
    resolved instanceof Problem
      ? undefined
      : await gatherEvidence({ client, reference, resolved, sources: policyContext, scope, tagOf });
  const policy = policyContext.config;
  return { resolved, evidence, decision: decide({ reference, resolved, evidence, policy, now: new Date(), scope }) };
}

/** Trust roots in use that end soon, a line each. */
export function endingTrust(signers: readonly Signer[], now: Date): string[] {
  const trusted = signers.flatMap((signer) => describeSigner(signer).trust ?? []);
  const roots = new Map(trusted.map((root) => [root.id, root]));
  return [...roots.values()].flatMap((root) => expiries(root, now, WARN_DAYS));
}

/** Warnings about the trust roots that a run relied on, for the last lines of its report. */
export function trustLines({ signers }: Pick<PolicyContext, 'signers'>): string[] {
  return endingTrust(signers, new Date()).map((line) => `soon: ${line}; see tagproof trust show`);
}

/** Where the image at this place would run. */
export function scopeOf({ object, namespace }: Pick<Found, 'object' | 'namespace'>): Scope {
  const kind = object?.split('/')[0];
  return { ...(kind !== undefined && { kind }), ...(namespace !== undefined && { namespace }) };
}

/** Resolves references, and sends no request to a registry that a rule forbids (T46). */
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

/**
 * What the lock records about a decision: who signed, by which proof, under which policy. Nothing
 * about a denial.
 */
export function lockEvidence({ evidence, decision }: Evaluation, { policy }: PolicyContext): LockEvidence | undefined {
  if (evidence === undefined || decision.outcome === 'deny') return undefined;
  const proofs: [authority: string, proof: Proof, statement?: string][] = [];
  for (const [name, verdict] of evidence.verdicts) if (verdict.kind === 'verified') proofs.push([name, verdict]);
  for (const item of evidence.attestations?.verified ?? []) proofs.push([item.authority, item, item.predicateType]);
  const by = proofs.map(([authority, { keyId, identity, logIndex, times }, statement]) => ({
    authority,
    ...(statement !== undefined && { statement }),
    ...(keyId !== undefined && identity === undefined && { keyId }),
    ...identity,
    ...(logIndex !== undefined && { logIndex }),
    ...(times.length > 0 && { times: [...times] }),
  }));
  // Sorted, so that the bytes of the lock do not depend on which registry answers first.
  return by.length === 0
    ? undefined
    : { policy, by: by.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}
