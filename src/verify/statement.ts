// cosign's newer form: a sigstore bundle with a DSSE envelope around an in-toto statement. sigstore protobuf-specs, bundle;
// secure-systems-lab/dsse, protocol.md; in-toto attestation, spec/v1/statement.md.
import * as v from 'valibot';
import { type Claim, parseJson } from './payload.ts';

/** The one predicate type that says "this image is signed"; others are attestations about it (T31). */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
export const IN_TOTO = 'application/vnd.in-toto+json';

const base64 = v.pipe(v.string(), v.base64());
const BundleSchema = v.object({
  mediaType: v.pipe(
    v.string(),
    v.regex(
      /^application\/vnd\.dev\.sigstore\.bundle(\+json;version=0\.[123]|\.v0\.3\+json)$/,
      'not a bundle of version 0.1 to 0.3',
    ),
  ),
  verificationMaterial: v.object({
    publicKey: v.optional(v.object({ hint: v.optional(v.string()) })),
    certificate: v.optional(v.object({ rawBytes: base64 })),
    x509CertificateChain: v.optional(v.object({ certificates: v.array(v.object({ rawBytes: base64 })) })),
  }),
  dsseEnvelope: v.object({
    payload: base64,
    payloadType: v.literal(IN_TOTO),
    // One envelope, one signature: with more, which of them counts would be anybody's guess.
    signatures: v.pipe(v.array(v.object({ sig: base64 })), v.length(1, 'expected exactly one signature')),
  }),
});
const StatementSchema = v.object({
  _type: v.picklist(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']),
  predicateType: v.string(),
  subject: v.pipe(
    v.array(
      v.object({
        digest: v.record(v.string(), v.string()),
        annotations: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
      }),
    ),
    v.maxLength(1000),
  ),
});

export type Envelope = {
  /** What the signature stands under: the pre-authentication encoding. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  readonly payload: Buffer;
  /** A certificate came along: the signature speaks for an identity, not for a key of the policy. */
  readonly hasCertificate: boolean;
};

export function readBundle(bytes: Buffer): Envelope | { readonly malformed: string } {
  const result = v.safeParse(BundleSchema, parseJson(bytes));
  if (!result.success)
    return { malformed: `the bundle: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { verificationMaterial: material, dsseEnvelope } = result.output;
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const [{ sig }] = dsseEnvelope.signatures as [{ sig: string }];
  return {
    signed: preAuthentication(dsseEnvelope.payloadType, payload),
    signature: Buffer.from(sig, 'base64'),
    payload,
    hasCertificate: material.certificate !== undefined || material.x509CertificateChain !== undefined,
  };
}

/** The bytes under a DSSE signature: type and payload, each with its length in bytes. */
export function preAuthentication(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

export type StatementClaim = Claim & { readonly predicateType?: string };

/** The claim of a statement about one digest; annotations count only from the subject that names it. */
export function readStatement(payload: Buffer, digest: string): StatementClaim {
  const result = v.safeParse(StatementSchema, parseJson(payload));
  if (!result.success)
    return { malformed: `the statement: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { subject, predicateType } = result.output;
  const names = (digests: Record<string, string>) =>
    Object.entries(digests).map(([algorithm, hex]) => `${algorithm}:${hex.toLowerCase()}`);
  const mine = subject.find((item) => names(item.digest).includes(digest));
  const annotations = Object.entries(mine?.annotations ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    predicateType,
    digests: subject.flatMap((item) => names(item.digest)),
    annotations: Object.fromEntries(annotations),
  };
}
