// The argument: is this material a signature, or a statement, by this signer about this digest? Pure and synchronous.
import type { Attestation, PinnedReference, Proof, Verdict } from '../../flow.ts';
import { parseReference, repositoryOf } from '../../image/reference.ts';
import { Problem } from '../../problem.ts';
import { type Claim, type Malformed, readPayload } from '../../sigstore/payload.ts';
import { readStatement, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import type { SignerEvidence } from '../verifier.ts';
import { type CertificateFacts, readCertificate } from './certificate.ts';
import { type Proven, prove } from './engine.ts';
import type { SignatureCandidate } from './fetch.ts';
import { matchIdentity } from './identity.ts';
import type { Material } from './material.ts';
import type { CosignSigner } from './signer.ts';

/** A policy that requires no witness of a key ignores the proofs that are there anyway. */
const NO_PROOFS = { logEntries: [], timestamps: [] } as const;

/**
 * The verdict about one signer over all candidates. One valid signature verifies whatever else is there (T38). Without one,
 * a candidate that could not be fetched leaves the question open. An invalid signature by this very signer is reported next.
 */
export function verifyMaterial(
  candidates: readonly SignatureCandidate[],
  signer: CosignSigner,
  subject: PinnedReference,
  now: Date,
): Required<Pick<SignerEvidence, 'attestations'>> & SignerEvidence {
  const reasons: string[] = [];
  const attestations: Attestation[] = [];
  let others = 0;
  let verified: Proof | undefined;
  let problem: Problem | undefined;
  for (const candidate of candidates) {
    if (candidate instanceof Problem) {
      problem ??= candidate;
      continue;
    }
    if ('malformed' in candidate) {
      reasons.push(candidate.malformed);
      continue;
    }
    const result = verifyOne(candidate, signer, subject, now);
    if (result.kind === 'signature') verified ??= result.proof;
    else if (result.kind === 'attestation') attestations.push(result.attestation);
    else if (result.kind === 'invalid') reasons.push(result.reason);
    else if (result.kind === 'others') others++;
  }
  const verdict: Verdict =
    verified !== undefined
      ? { kind: 'verified', ...verified }
      : problem !== undefined
        ? { kind: 'unchecked', problem }
        : reasons.length > 0
          ? { kind: 'invalid', reasons: [...new Set(reasons)] }
          : others > 0
            ? { kind: 'others', count: others }
            : { kind: 'unsigned' };
  return { verdict, attestations, ...(problem !== undefined && { problem }) };
}

type Result =
  | { readonly kind: 'signature'; readonly proof: Proof }
  | { readonly kind: 'attestation'; readonly attestation: Attestation }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** `others`: a signature by someone else; `foreign`: a statement by someone else, which is no signature at all (T31). */
  | { readonly kind: 'others' | 'foreign' };

function verifyOne(material: Material, signer: CosignSigner, subject: PinnedReference, now: Date): Result {
  const { digest } = subject;
  const claim = readClaim(material, digest);
  // The unverified claim decides only how to name it: a statement by someone else is not a signature by someone else.
  const other = {
    kind: 'predicateType' in claim && claim.predicateType !== SIGN_PREDICATE ? 'foreign' : 'others',
  } as const;
  const wrong = (reason: string): Result => ({ kind: 'invalid', reason });
  // The signer first: nothing else in the material counts before.
  const proven = signer.keys.length > 0 ? byKey(material, signer, now) : byIdentity(material, signer, now);
  if (proven === undefined) return other;
  if ('wrong' in proven) return wrong(proven.wrong);
  if ('malformed' in claim) return wrong(claim.malformed);
  if (!claim.digests.includes(digest)) return wrong(`it is about ${claim.digests.join(', ')}, not about this image`);
  if (signer.bindRepository) {
    const unbound = checkRepository(claim, subject);
    if (unbound !== undefined) return wrong(unbound);
  }
  const proof = proofOf(material, proven, claim);
  if (claim.predicateType !== undefined && claim.predicateType !== SIGN_PREDICATE) {
    const { predicateType, predicate } = claim;
    return { kind: 'attestation', attestation: { ...proof, authority: signer.name, predicateType, predicate } };
  }
  const missing = Object.entries(signer.annotations).find(([name, value]) => claim.annotations[name] !== value);
  if (missing !== undefined) return wrong(`the annotation ${missing[0]}=${missing[1]} is missing`);
  return { kind: 'signature', proof };
}

type Signed = Proven & { readonly facts?: CertificateFacts; readonly subject?: string };

/** undefined: another key made it. With a certificate beside it, it would be ambiguous who signed (T36). */
function byKey(
  material: Material,
  { keys, thresholds, trust }: CosignSigner,
  now: Date,
): Signed | { wrong: string } | undefined {
  const key = keys.find(({ verifies }) => verifies(material.signed, material.signature));
  if (key === undefined) return undefined;
  if (material.certificate !== undefined)
    return { wrong: 'it has a certificate, and a key of the policy made it: ambiguous (T36)' };
  const proofs = thresholds.logEntries + thresholds.timestamps > 0 ? material : { ...material, ...NO_PROOFS };
  return prove({ material: proofs, trust: trust.material, thresholds, now, policyKey: key });
}

/** undefined: no certificate, or that of someone else, whose validity does not matter here. */
function byIdentity(
  material: Material,
  { identities, thresholds, trust }: CosignSigner,
  now: Date,
): Signed | { wrong: string } | undefined {
  const { certificate } = material;
  if (certificate === undefined) return undefined;
  const facts = readSafely(certificate);
  if ('wrong' in facts) return facts;
  const subject = matchIdentity(identities, facts);
  if (subject === undefined) return undefined;
  const proven = prove({ material, trust: trust.material, thresholds, now, policyKey: undefined });
  return 'wrong' in proven ? proven : { ...proven, facts, subject };
}

function readSafely(certificate: Buffer): ReturnType<typeof readCertificate> {
  try {
    return readCertificate(certificate);
  } catch {
    return { wrong: 'its certificate is malformed' };
  }
}

function readClaim({ form, payload }: Material, digest: string): Claim | Malformed {
  return form === 'payload' ? readPayload(payload) : readStatement(payload, digest);
}

/** T8: an image copied, with its signature, from a repository with weaker rules. */
function checkRepository({ repository }: Claim, subject: PinnedReference): string | undefined {
  if (repository === undefined) return 'it names no repository, and the policy binds signatures to theirs';
  const named = parseReference(repository);
  if (named instanceof Problem) return `it names an invalid repository: ${repository.slice(0, 80)}`;
  return repositoryOf(named) === repositoryOf(subject)
    ? undefined
    : `it was made for ${repositoryOf(named)}, not for ${repositoryOf(subject)}`;
}

function proofOf({ layout }: Material, { key, facts, subject, times, logIndex }: Signed, claim: Claim): Proof {
  const identity = subject === undefined ? undefined : { ...(facts?.issuer && { issuer: facts.issuer }), subject };
  return {
    by:
      identity === undefined ? `key ${key.id.slice(0, 12)}` : `${subject}${facts?.issuer ? ` (${facts.issuer})` : ''}`,
    layout,
    keyId: key.id,
    ...(identity !== undefined && { identity }),
    ...(logIndex !== undefined && { logIndex }),
    times: times.map((time) => time.toISOString()),
    annotations: claim.annotations,
  };
}
