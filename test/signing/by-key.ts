// Signatures by key as cosign makes them, in both layouts, and one authority that trusts one key.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { parsePinned } from '../../src/image/reference.ts';
import { SIGN_PREDICATE } from '../../src/sigstore/statement.ts';
import type { SignatureCandidate } from '../../src/verify/cosign/fetch.ts';
import { fromBundle, fromSignatureLayer } from '../../src/verify/cosign/material.ts';
import { type CosignSigner, loadCosignSigner } from '../../src/verify/cosign/signer.ts';
import { KEY_AUTHORITY } from './authority.ts';

export const D = `sha256:${'d'.repeat(64)}`;
/** About the one digest that these tests sign. */
export const subject = parsePinned(`registry.test/x:1@${D}`);
export const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;

export const signer = (annotations: Record<string, string> = {}): Promise<CosignSigner> =>
  loadCosignSigner('me', { ...KEY_AUTHORITY, keys: [pem(mine.publicKey)], annotations });

export function payload(digest = D, change: (json: Record<string, unknown>) => unknown = (json) => json): Buffer {
  const critical = {
    identity: { 'docker-reference': 'x' },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return Buffer.from(JSON.stringify(change({ critical, optional: { build: '42' } })));
}

export function signature(bytes = payload(), key = mine.privateKey, hasCertificate = false): SignatureCandidate {
  return fromSignatureLayer(bytes, {
    'dev.cosignproject.cosign/signature': sign('sha256', bytes, key).toString('base64'),
    ...(hasCertificate && {
      'dev.sigstore.cosign/certificate': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    }),
  });
}

type Statement = {
  _type: string;
  predicateType: string;
  subject: { digest: Record<string, string>; annotations?: Record<string, string> }[];
  predicate?: object;
};
export const statement = (more: Partial<Statement> = {}): Statement => ({
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: SIGN_PREDICATE,
  subject: [{ digest: { sha256: D.slice(7) }, annotations: { build: '42' } }],
  ...more,
});

export function bundleOf(content: object = statement(), key = mine.privateKey): Record<string, unknown> {
  const body = Buffer.from(JSON.stringify(content));
  const type = 'application/vnd.in-toto+json';
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'x' } },
    dsseEnvelope: {
      payload: body.toString('base64'),
      payloadType: type,
      signatures: [{ sig: sign('sha256', signed, key).toString('base64') }],
    },
  };
}

export const bundle = (json: object = bundleOf()): SignatureCandidate => fromBundle(Buffer.from(JSON.stringify(json)));
