// The argument: is this envelope a signature of this image by this signer? The order of steps is that of the specification,
// notaryproject/specifications, trust-store-trust-policy.md, "Signature Verification".
import { constants, verify, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import type { Proof, Verdict } from '../../flow.ts';
import { Problem } from '../../problem.ts';
import { parseJson } from '../../sigstore/json.ts';
import { stringsOf } from '../../sigstore/payload.ts';
import type { SignatureClient } from '../verifier.ts';
import { algorithmOf, anchorOf, outside, printName, readChain } from './chain.ts';
import type { NotationEnvelope } from './envelope.ts';
import { isTrusted } from './identity.ts';
import { checkRevocation } from './revocation.ts';
import type { NotationSigner } from './signer.ts';
import { verifyStamp } from './timestamp.ts';

/** The image's manifest, as it was fetched and hashed. */
export type SignedTarget = { readonly digest: string; readonly size: number; readonly mediaType: string };

export type EnvelopeContext = {
  readonly client: Pick<SignatureClient, 'service'>;
  readonly target: SignedTarget;
  readonly signer: NotationSigner;
  readonly now: Date;
};

const PayloadSchema = v.strictObject({
  targetArtifact: v.looseObject({
    mediaType: v.string(),
    digest: v.string(),
    size: v.number(),
    annotations: v.optional(v.record(v.string(), v.unknown())),
  }),
});

/** @throws for an invalid signature; a verdict for everything that depends on whose signature it is */
export async function verifyEnvelope(
  envelope: NotationEnvelope,
  { client, target, signer, now }: EnvelopeContext,
): Promise<Verdict> {
  // Integrity: signed by the leaf, with the algorithm that its key dictates.
  const leaf = new X509Certificate(envelope.chain[0] as Buffer);
  const algorithm = algorithmOf(leaf);
  if (algorithm === undefined || algorithm !== envelope.algorithm)
    throw new Error(
      `the key of ${printName(leaf)} signs with ${algorithm ?? 'no supported algorithm'}, not with ${envelope.algorithm}`,
    );
  // Whose signature it is, before whether it is valid: someone else's broken signature does not concern this authority.
  const store = envelope.scheme === 'notary.x509' ? signer.stores.ca : signer.stores.signingAuthority;
  const certificates = envelope.chain.map((der) => new X509Certificate(der));
  const level = signer.level;
  const trusted = anchorOf(certificates, store) !== undefined && isTrusted(leaf, signer.identities);
  if (!trusted && level !== 'audit') return { kind: 'others', count: 1 };
  if (!isSigned(envelope, leaf)) throw new Error('the signature does not match its payload');
  const payload = v.safeParse(PayloadSchema, parseJson(envelope.payload));
  if (!payload.success) throw new Error(`the payload: ${payload.issues[0].message}`);
  const { digest: named, size, mediaType, annotations } = payload.output.targetArtifact;
  if (named !== target.digest) throw new Error(`it is a signature of ${named}, not of this image`);
  if (size !== target.size || mediaType !== target.mediaType)
    throw new Error('its size or media type is not that of the image');
  const notes: string[] = [];
  /** A check that the level only logs becomes a note. */
  const check = (enforced: boolean, wrong: string | undefined) => {
    if (wrong === undefined) return;
    if (enforced) throw new Error(wrong);
    notes.push(wrong);
  };
  const enforced = level === 'strict';
  if (!trusted) check(false, 'not by a trusted identity, which the level audit does not require');
  const chain = readChain(envelope.chain, 'code');
  check(
    enforced,
    envelope.expiry && envelope.expiry <= now ? `it expired on ${envelope.expiry.toISOString()}` : undefined,
  );
  const { wrong, times } = whenSigned(envelope, chain, signer, now);
  check(enforced, wrong);
  if (signer.revocation !== 'skip') {
    const revocation = await checkRevocation(client, chain, now);
    if (revocation.kind === 'revoked') check(signer.revocation === 'enforce', `${revocation.who} was revoked`);
    if (revocation.kind === 'unknown' && signer.revocation === 'enforce')
      return { kind: 'unchecked', problem: new Problem('unreachable', revocation.why) };
    if (revocation.kind === 'unknown') notes.push(revocation.why);
  }
  const given = stringsOf(annotations);
  const missing = Object.entries(signer.annotations).find(([name, value]) => given[name] !== value);
  if (missing !== undefined) throw new Error(`the annotation ${missing[0]}=${missing[1]} is missing`);
  return { kind: 'verified', ...proofOf(leaf, times, given, notes) };
}

function proofOf(leaf: X509Certificate, times: Date[], annotations: Record<string, string>, notes: string[]): Proof {
  const subject = printName(leaf);
  return {
    by: subject,
    layout: 'notation',
    keyId: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    identity: { subject },
    times: times.map((time) => time.toISOString()),
    annotations,
    ...(notes.length > 0 && { notes }),
  };
}

function isSigned({ algorithm, signed, signature }: NotationEnvelope, { publicKey: key }: X509Certificate): boolean {
  const hash = `sha${algorithm.slice(2)}`;
  try {
    if (algorithm.startsWith('ES')) return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return verify(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
  } catch {
    return false;
  }
}

/** Was every certificate valid at a signing time that a trusted authority vouches for? Without such a time: is it valid now? */
function whenSigned(
  { scheme, authenticSigningTime, timestamp, signature }: NotationEnvelope,
  chain: readonly X509Certificate[],
  { stores, verifyTimestamp }: NotationSigner,
  now: Date,
): { wrong?: string | undefined; times: Date[] } {
  if (scheme === 'notary.x509.signingAuthority') {
    const time = authenticSigningTime as Date;
    return { wrong: outside(chain, time, time), times: [time] };
  }
  const ended = outside(chain, now, now);
  const wanted = stores.tsa.length > 0 && (verifyTimestamp === 'always' || ended !== undefined);
  if (!wanted) return { wrong: ended, times: [] };
  if (timestamp === undefined) return { wrong: 'it has no timestamp by a trusted authority', times: [] };
  try {
    const { from, to } = verifyStamp(timestamp, signature, stores.tsa);
    return { wrong: outside(chain, from, to), times: [from] };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error), times: [] };
  }
}
