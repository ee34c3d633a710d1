// Makes a signature as cosign 3 does, for the demo and its tests: a bundle with a DSSE envelope around a signed statement.
import { type KeyObject, sign } from 'node:crypto';
import { IN_TOTO, preAuthentication, SIGN_PREDICATE } from './statement.ts';

/** @returns the bundle's bytes; @param digest of the image that it says is signed */
export function signSample(digest: string, key: KeyObject): Buffer {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: SIGN_PREDICATE,
    predicate: {},
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = sign('sha256', preAuthentication(IN_TOTO, payload), key);
  return Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: '' } },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType: IN_TOTO,
        signatures: [{ sig: signature.toString('base64') }],
      },
    }),
  );
}
