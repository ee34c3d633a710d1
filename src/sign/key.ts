// A private key to sign with: PEM (PKCS#8, PKCS#1, SEC1), encrypted PKCS#8, or cosign's own encrypted form.
import { createPrivateKey, createPublicKey, type KeyObject, scryptSync, sign } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import * as v from 'valibot';
import { asProblem, Problem } from '../problem.ts';
import { parseJson } from '../sigstore/json.ts';

export type SigningKey = {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** The key's algorithm as a Rekor 2 log names it. sigstore protobuf-specs, PublicKeyDetails. */
  readonly keyDetails: string;
  /** ECDSA in DER, RSA PKCS#1 v1.5, plain Ed25519: what cosign accepts in a DSSE envelope. */
  readonly sign: (bytes: Buffer) => Buffer;
};

/** sigstore/sigstore, pkg/cryptoutils and secure-systems-lab/go-securesystemslib, encrypted. */
const SealedSchema = v.object({
  kdf: v.object({
    name: v.literal('scrypt'),
    params: v.object({
      N: v.pipe(v.number(), v.integer(), v.maxValue(1 << 20)),
      r: v.pipe(v.number(), v.integer(), v.maxValue(32)),
      p: v.pipe(v.number(), v.integer(), v.maxValue(16)),
    }),
    salt: v.pipe(v.string(), v.base64()),
  }),
  cipher: v.object({ name: v.literal('nacl/secretbox'), nonce: v.pipe(v.string(), v.base64()) }),
  ciphertext: v.pipe(v.string(), v.base64()),
});
const SEALED = /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/;

/**
 * @param password of an encrypted key; the Problem for a missing one names the variable to set
 * @throws Problem `usage` for a text that is not a usable key, or a wrong or missing password
 */
export function loadSigningKey(pem: string, password: string | undefined, file: string): SigningKey {
  const sealed = SEALED.exec(pem)?.[1];
  const encrypted = sealed !== undefined || /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem);
  if (encrypted && password === undefined)
    throw new Problem('usage', 'the key is encrypted: give its password in COSIGN_PASSWORD', { file });
  let key: KeyObject;
  try {
    key =
      sealed === undefined
        ? createPrivateKey({ key: pem, ...(encrypted && { passphrase: password ?? '' }) })
        : createPrivateKey({ key: unseal(sealed, password ?? ''), format: 'der', type: 'pkcs8' });
  } catch (error) {
    if (error instanceof Problem) throw error.at({ file });
    const why = encrypted ? 'wrong password, or a damaged key' : 'expected a private key in PEM';
    throw new Problem('usage', why, { file }, asProblem(error, 'usage'));
  }
  return signingKeyOf(key, file);
}

/** @param file named in problems */
export function signingKeyOf(key: KeyObject, file = 'key'): SigningKey {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (namedCurve !== 'prime256v1')
        throw new Problem(
          'usage',
          `expected an ECDSA key on P-256, got ${namedCurve}: tools disagree about the hash of other curves`,
          { file },
        );
      return {
        spki,
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        sign: (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'der' }),
      };
    case 'rsa':
      if (modulusLength < 2048) throw new Problem('usage', `an RSA key of ${modulusLength} bits is too weak`, { file });
      return {
        spki,
        keyDetails: `PKIX_RSA_PKCS1V15_${modulusLength}_SHA256`,
        sign: (bytes) => sign('sha256', bytes, key),
      };
    case 'ed25519':
      return { spki, keyDetails: 'PKIX_ED25519', sign: (bytes) => sign(null, bytes, key) };
    default:
      throw new Problem('usage', `expected an ECDSA P-256, RSA or Ed25519 key, got ${key.asymmetricKeyType}`, { file });
  }
}

function unseal(body: string, password: string): Buffer {
  const result = v.safeParse(SealedSchema, parseJson(Buffer.from(body, 'base64')));
  if (!result.success) throw new Problem('usage', `not cosign's form of an encrypted key: ${result.issues[0].message}`);
  const { kdf, cipher, ciphertext } = result.output;
  const { N, r, p } = kdf.params;
  const secret = scryptSync(password, Buffer.from(kdf.salt, 'base64'), 32, { N, r, p, maxmem: 256 * N * r });
  return Buffer.from(
    xsalsa20poly1305(secret, Buffer.from(cipher.nonce, 'base64')).decrypt(Buffer.from(ciphertext, 'base64')),
  );
}
