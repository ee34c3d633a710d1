// One shape for everything that cosign writes: the old layout's annotations and the sigstore bundle become the same material,
// so that one piece of code verifies both. Nothing here is trusted yet.
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import * as v from 'valibot';
import { parseJson } from '../../sigstore/json.ts';
import type { Malformed } from '../../sigstore/payload.ts';
import { IN_TOTO, preAuthentication } from '../../sigstore/statement.ts';

export type LogEntry = Bundle['verificationMaterial']['tlogEntries'][number];

export type Material = {
  readonly layout: 'signature' | 'bundle';
  /** The bytes that were signed. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** The text that makes the claim: a simple-signing payload, or a statement. */
  readonly payload: Buffer;
  readonly form: 'payload' | 'statement';
  /** What an RFC 3161 timestamp covers: the signature, or for old attestations the whole envelope. */
  readonly stamped: Buffer;
  /** The signer's certificate, DER: it proves an identity, not a key of the policy. */
  readonly certificate?: Buffer;
  readonly logEntries: readonly LogEntry[];
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Buffer[];
};

/** The annotations of a layer in the old layout. */
export type LayerAnnotations = Readonly<Record<string, string>>;

const base64 = v.pipe(v.string(), v.base64());
const EnvelopeSchema = v.object({
  payload: base64,
  payloadType: v.literal(IN_TOTO),
  // One envelope, one signature: with several it would be undefined which of them counts.
  signatures: v.pipe(v.array(v.object({ sig: base64 })), v.length(1, 'expected exactly one signature')),
});
const RekorBundleSchema = v.object({
  SignedEntryTimestamp: base64,
  Payload: v.object({
    body: base64,
    integratedTime: v.pipe(v.number(), v.integer()),
    logIndex: v.pipe(v.number(), v.integer()),
    logID: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
});
const TimestampSchema = v.object({ SignedRFC3161Timestamp: base64 });
/** No honest bundle has more log entries or timestamps (T39). */
const MAX_PROOFS = 8;

/** A layer of `sha256-HEX.sig`: the payload's bytes and the annotations beside it. */
export function fromSignatureLayer(payload: Buffer, annotations: LayerAnnotations): Material | Malformed {
  const signature = Buffer.from(annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
  const proofs = proofsOf(annotations);
  if ('malformed' in proofs) return proofs;
  return { layout: 'signature', form: 'payload', signed: payload, payload, signature, stamped: signature, ...proofs };
}

/** A layer of `sha256-HEX.att`: a DSSE envelope. */
export function fromAttestationLayer(bytes: Buffer, annotations: LayerAnnotations): Material | Malformed {
  const envelope = readEnvelope(parseJson(bytes));
  if ('malformed' in envelope) return envelope;
  const proofs = proofsOf(annotations);
  if ('malformed' in proofs) return proofs;
  return { layout: 'signature', ...envelope, stamped: bytes, ...proofs };
}

/** A sigstore bundle. protobuf-specs, sigstore_bundle.proto; versions 0.1 to 0.3. */
export function fromBundle(bytes: Buffer): Material | Malformed {
  const json = parseJson(bytes);
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(json); // checks what each version requires: promise or proof, one certificate or a chain
  } catch (error) {
    const fields = (error as { fields?: string[] }).fields?.join(', ');
    return { malformed: `the bundle: ${fields ?? (error instanceof Error ? error.message : String(error))}` };
  }
  if (bundle.content.$case !== 'dsseEnvelope')
    return { malformed: 'the bundle signs plain bytes, where cosign signs a statement about an image' };
  const envelope = readEnvelope((json as { dsseEnvelope?: unknown }).dsseEnvelope);
  if ('malformed' in envelope) return envelope;
  const { content, tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
  const stamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (tlogEntries.length > MAX_PROOFS || stamps.length > MAX_PROOFS)
    return { malformed: `the bundle: more than ${MAX_PROOFS} log entries or timestamps` };
  const certificate =
    content.$case === 'certificate'
      ? content.certificate.rawBytes
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates[0]?.rawBytes
        : undefined;
  if (content.$case !== 'publicKey' && certificate === undefined) return { malformed: 'the bundle: no certificate' };
  return {
    layout: 'bundle',
    ...envelope,
    stamped: envelope.signature,
    ...(certificate !== undefined && { certificate: Buffer.from(certificate) }),
    logEntries: tlogEntries,
    timestamps: stamps.map(({ signedTimestamp }) => Buffer.from(signedTimestamp)),
  };
}

function readEnvelope(json: unknown): Pick<Material, 'form' | 'signed' | 'payload' | 'signature'> | Malformed {
  const result = v.safeParse(EnvelopeSchema, json);
  if (!result.success)
    return { malformed: `the envelope: ${v.getDotPath(result.issues[0]) ?? 'not JSON'}: ${result.issues[0].message}` };
  const { payloadType, signatures } = result.output;
  const payload = Buffer.from(result.output.payload, 'base64');
  const signature = Buffer.from(signatures[0]?.sig ?? '', 'base64');
  return { form: 'statement', signed: preAuthentication(payloadType, payload), payload, signature };
}

/** `chain` is not read: the policy's trust root decides who may issue a certificate, never the artifact. */
function proofsOf(
  annotations: LayerAnnotations,
): Pick<Material, 'certificate' | 'logEntries' | 'timestamps'> | Malformed {
  const {
    'dev.sigstore.cosign/certificate': pem = '',
    'dev.sigstore.cosign/bundle': rekor = '',
    'dev.sigstore.cosign/rfc3161timestamp': stamp = '',
  } = annotations;
  const timestamps: Buffer[] = [];
  const logEntries: LogEntry[] = [];
  if (stamp !== '') {
    const result = v.safeParse(TimestampSchema, parseJson(Buffer.from(stamp)));
    if (!result.success) return { malformed: 'the timestamp beside the signature is malformed' };
    timestamps.push(Buffer.from(result.output.SignedRFC3161Timestamp, 'base64'));
  }
  if (rekor !== '') {
    const result = v.safeParse(RekorBundleSchema, parseJson(Buffer.from(rekor)));
    if (!result.success) return { malformed: 'the log entry beside the signature is malformed' };
    logEntries.push(logEntryOf(result.output));
  }
  const certificate = pem === '' ? undefined : derOf(pem);
  if (pem !== '' && certificate === undefined) return { malformed: 'the certificate beside the signature is not PEM' };
  return { logEntries, timestamps, ...(certificate !== undefined && { certificate }) };
}

/** The first certificate of a PEM text. */
function derOf(pem: string): Buffer | undefined {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  return body === undefined ? undefined : Buffer.from(body, 'base64');
}

/** cosign's JSON of a Rekor entry in the shape of a bundle's. */
function logEntryOf({ SignedEntryTimestamp, Payload }: v.InferOutput<typeof RekorBundleSchema>): LogEntry {
  const canonicalizedBody = Buffer.from(Payload.body, 'base64');
  const { kind, apiVersion } = (parseJson(canonicalizedBody) ?? {}) as { kind?: unknown; apiVersion?: unknown };
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex') },
    kindVersion: { kind: String(kind), version: String(apiVersion) },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: Buffer.from(SignedEntryTimestamp, 'base64') },
    inclusionProof: undefined,
    canonicalizedBody,
  };
}
