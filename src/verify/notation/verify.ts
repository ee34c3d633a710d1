// Notary Project signatures: who signed this digest with notation? The order of steps is that of the specification,
// trust-store-trust-policy.md, "Signature Verification" (facts/signatures 6.2).
import { constants, verify, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import type { PinnedReference, Proof, Verdict } from '../../flow.ts';
import { isDigest } from '../../image/digest.ts';
import { withDigest } from '../../image/reference.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { MAX_ATTESTATION_BLOB, MAX_SIGNATURES } from '../../registry/limits.ts';
import { mayBe } from '../../registry/referrers.ts';
import { parseJson } from '../../sigstore/json.ts';
import { stringsOf } from '../../sigstore/payload.ts';
import { signatureRepository } from '../signature-repository.ts';
import { algorithmOf, anchorOf, outside, printName, readChain } from './chain.ts';
import { type NotationEnvelope, readEnvelope } from './envelope.ts';
import { isTrusted } from './identity.ts';
import { checkRevocation } from './revocation.ts';
import type { NotationSigner } from './signer.ts';
import { verifyStamp } from './timestamp.ts';

export const SIGNATURE_TYPE = 'application/vnd.cncf.notary.signature';

type Client = Pick<RegistryClient, 'manifest' | 'blob' | 'referrers' | 'service'>;
type Target = { readonly digest: string; readonly size: number; readonly mediaType: string };

const digest = v.pipe(v.string(), v.check(isDigest, 'not a digest'));
const ManifestSchema = v.object({
  artifactType: v.optional(v.string()),
  config: v.object({ mediaType: v.string() }),
  layers: v.pipe(v.array(v.object({ mediaType: v.string(), digest })), v.length(1, 'expected exactly one layer')),
  subject: v.object({ digest }),
});
const PayloadSchema = v.strictObject({
  targetArtifact: v.looseObject({
    mediaType: v.string(),
    digest: v.string(),
    size: v.number(),
    annotations: v.optional(v.record(v.string(), v.unknown())),
  }),
});

export async function verifyNotation(
  client: Client,
  subject: PinnedReference,
  signer: NotationSigner,
  now: Date,
): Promise<Verdict> {
  const reasons: string[] = [];
  let others = 0;
  let problem: Problem | undefined;
  try {
    const place = signatureRepository(subject, signer.signatureRepository);
    const referrers = (await client.referrers(place)).filter((referrer) => mayBe(referrer, SIGNATURE_TYPE));
    if (referrers.length === 0) return { kind: 'unsigned' };
    const manifest = await client.manifest(withDigest(subject, subject.digest));
    const target = { digest: manifest.digest, size: manifest.bytes.length, mediaType: manifest.mediaType };
    if (referrers.length > MAX_SIGNATURES)
      problem = new Problem('limit', `${referrers.length} signatures, only the first ${MAX_SIGNATURES} were looked at`);
    for (const referrer of referrers.slice(0, MAX_SIGNATURES)) {
      try {
        const envelope = await fetchEnvelope(client, place, referrer);
        if (envelope === undefined) continue;
        const answer = await judgeEnvelope(client, envelope, target, signer, now);
        if (answer.kind === 'verified') return answer;
        if (answer.kind === 'invalid') reasons.push(...answer.reasons);
        else if (answer.kind === 'unchecked') problem ??= answer.problem;
        else others++;
      } catch (error) {
        if (error instanceof Problem) problem ??= error;
        else reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
  } catch (error) {
    problem = asProblem(error, 'unreachable', { image: subject.text });
  }
  if (problem !== undefined) return { kind: 'unchecked', problem };
  if (reasons.length > 0) return { kind: 'invalid', reasons };
  return others > 0 ? { kind: 'others', count: others } : { kind: 'unsigned' };
}

/** undefined: something else that refers to the image. */
async function fetchEnvelope(
  client: Client,
  place: PinnedReference,
  referrer: { digest: string; artifactType?: string },
): Promise<NotationEnvelope | undefined> {
  const { bytes } = await client.manifest(withDigest(place, referrer.digest));
  const result = v.safeParse(ManifestSchema, parseJson(bytes));
  // The older form says its type in the configuration's media type.
  const type = result.success ? (result.output.artifactType ?? result.output.config.mediaType) : referrer.artifactType;
  if (type !== SIGNATURE_TYPE) return undefined;
  if (!result.success) throw new Error(`a signature's manifest is malformed: ${result.issues[0].message}`);
  if (result.output.subject.digest !== place.digest) throw new Error('a referrer names another subject');
  const [layer] = result.output.layers as [{ mediaType: string; digest: string }];
  return readEnvelope(await client.blob(place, layer.digest, MAX_ATTESTATION_BLOB), layer.mediaType);
}

/** @throws for a signature that is not in order; Verdicts for all that is decided by whose it is */
async function judgeEnvelope(
  client: Client,
  envelope: NotationEnvelope,
  target: Target,
  signer: NotationSigner,
  now: Date,
): Promise<Verdict> {
  // Integrity: the signature by the leaf, with the algorithm that its key dictates.
  const leaf = new X509Certificate(envelope.chain[0] as Buffer);
  const algorithm = algorithmOf(leaf);
  if (algorithm === undefined || algorithm !== envelope.algorithm)
    throw new Error(
      `the key of ${printName(leaf)} signs with ${algorithm ?? 'nothing that is taken'}, not with ${envelope.algorithm}`,
    );
  // Whose it is, before whether it is in order: another's broken signature is no concern of this authority.
  const store = envelope.scheme === 'notary.x509' ? signer.stores.ca : signer.stores.signingAuthority;
  const certificates = envelope.chain.map((der) => new X509Certificate(der));
  const level = signer.level;
  const mine = anchorOf(certificates, store) !== undefined && isTrusted(leaf, signer.identities);
  if (!mine && level !== 'audit') return { kind: 'others', count: 1 };
  if (!isSigned(envelope, leaf)) throw new Error('the signature does not stand under its payload');
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
  if (!mine) check(false, 'not by a trusted identity; the level audit does not insist');
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

/** Was every certificate valid when it was signed, by a time that somebody trusted vouches for? Else: is it now? */
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
  if (timestamp === undefined) return { wrong: 'it has no time stamp by a trusted authority', times: [] };
  try {
    const { from, to } = verifyStamp(timestamp, signature, stores.tsa);
    return { wrong: outside(chain, from, to), times: [from] };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error), times: [] };
  }
}
