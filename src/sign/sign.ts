// Makes a signature or an attestation of one image: a sigstore bundle with a DSSE envelope, as cosign 3 writes and reads it.
import { createHash } from 'node:crypto';
import type { PinnedReference } from '../flow.ts';
import { BUNDLE_TYPE, IN_TOTO, preAuthentication, statementOf } from '../sigstore/statement.ts';
import type { SigningKey } from './key.ts';

export type Statement = {
  /** The image that the statement is about. */
  readonly subject: PinnedReference;
  readonly predicateType: string;
  readonly predicate: unknown;
  readonly annotations: Readonly<Record<string, string>>;
};

/** Who signs, and the witnesses whose proofs go into the bundle. */
export type Signatory = {
  readonly key: SigningKey;
  /** Leaf certificate, DER; absent for a plain key. */
  readonly certificate?: Buffer;
  /** Obtains an RFC 3161 response over these bytes. */
  readonly stamp?: (bytes: Buffer) => Promise<Buffer>;
  /** Adds an entry to a transparency log. @returns it in the bundle's JSON form */
  readonly log?: (envelope: Envelope) => Promise<object>;
};

export type Envelope = {
  readonly payload: Buffer;
  readonly payloadType: string;
  readonly signature: Buffer;
  /** The bytes that were signed. */
  readonly signed: Buffer;
};

/** @returns the bundle's bytes */
export async function makeBundle(statement: Statement, { key, certificate, stamp, log }: Signatory): Promise<Buffer> {
  const { subject, predicateType, predicate, annotations } = statement;
  const payload = statementOf(subject.digest, predicateType, predicate, annotations);
  const signed = preAuthentication(IN_TOTO, payload);
  const signature = key.sign(signed);
  const envelope: Envelope = { payload, payloadType: IN_TOTO, signature, signed };
  const timestamp = await stamp?.(signature);
  const entry = await log?.(envelope);
  const bundle = {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: createHash('sha256').update(key.spki).digest('base64') } }
        : { certificate: { rawBytes: certificate.toString('base64') } }),
      tlogEntries: entry === undefined ? [] : [entry],
      ...(timestamp !== undefined && {
        timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp.toString('base64') }] },
      }),
    },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: IN_TOTO,
      signatures: [{ sig: signature.toString('base64'), keyid: '' }],
    },
  };
  return Buffer.from(JSON.stringify(bundle));
}

/** Annotations that cosign writes beside a bundle: hints for clients that list referrers. */
export function bundleAnnotations(predicateType: string, now: Date): Record<string, string> {
  return {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': predicateType,
    'org.opencontainers.image.created': `${now.toISOString().slice(0, 19)}Z`,
  };
}
