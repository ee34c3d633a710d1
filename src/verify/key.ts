// One public key and the one way in which it signs. The algorithm comes from the key and the policy, never from a signature.
import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Problem } from '../problem.ts';

export type Key = {
  /** SHA-256 of the key's SPKI DER, hex: names the key in reports. */
  readonly id: string;
  /** Does this key's signature stand under these bytes? False for whatever is not a signature at all. */
  readonly verifies: (bytes: Uint8Array, signature: Uint8Array) => boolean;
};

export type KeySettings = {
  readonly hashAlgorithm: 'sha256' | 'sha384' | 'sha512';
  readonly rsaScheme: 'pkcs1' | 'pss';
};

const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const MIN_RSA_BITS = 2048;

/** @throws Problem `usage` for a key that cannot be used safely */
export async function loadKey(pem: string, { hashAlgorithm, rsaScheme }: KeySettings): Promise<Key> {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new Problem('usage', 'expected a public key in PEM (-----BEGIN PUBLIC KEY-----)', {}, error);
  }
  const der = key.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('hex');
  const safely =
    (check: Key['verifies']): Key['verifies'] =>
    (bytes, signature) => {
      try {
        return check(bytes, signature);
      } catch {
        return false; // not the form of a signature
      }
    };
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (!CURVES.has(namedCurve ?? ''))
        throw new Problem('usage', `expected a key on P-256, P-384 or P-521, got ${namedCurve}`);
      return {
        id,
        verifies: safely((bytes, signature) => verify(hashAlgorithm, bytes, { key, dsaEncoding: 'der' }, signature)),
      };
    case 'rsa': {
      if ((modulusLength ?? 0) < MIN_RSA_BITS)
        throw new Problem('usage', `expected an RSA key of at least ${MIN_RSA_BITS} bits, got ${modulusLength}`);
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
      const padding = rsaScheme === 'pss' ? pss : { padding: constants.RSA_PKCS1_PADDING };
      return {
        id,
        verifies: safely((bytes, signature) => verify(hashAlgorithm, bytes, { key, ...padding }, signature)),
      };
    }
    case 'ed25519': {
      // cosign signs with Ed25519ph, older versions with plain Ed25519 (RFC 8032); Node has only the latter.
      const { ed25519ph } = await import('@noble/curves/ed25519.js');
      const raw = der.subarray(der.length - 32);
      return {
        id,
        verifies: safely(
          (bytes, signature) => verify(null, bytes, key, signature) || ed25519ph.verify(signature, bytes, raw),
        ),
      };
    }
    default:
      throw new Problem('usage', `expected an ECDSA, RSA or Ed25519 key, got ${key.asymmetricKeyType}`);
  }
}
