// A public key and how it verifies. The algorithm comes from the key and the policy, never from a signature.
import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { Problem } from '../../problem.ts';
import { parseDer, publicKeyOf } from '../der.ts';

export type Key = {
  /** SHA-256 of the key's SPKI DER, hex: identifies the key in reports. */
  readonly id: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** Is this a signature of these bytes by this key? False for anything that is not a signature at all. */
  readonly verifies: (bytes: Uint8Array, signature: Uint8Array) => boolean;
};

type Hash = 'sha256' | 'sha384' | 'sha512';
export type KeySettings = { readonly hashAlgorithm: Hash; readonly rsaScheme: 'pkcs1' | 'pss' };

const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const MIN_RSA_BITS = 2048;

/** @throws Problem `usage` for a key that cannot be used safely */
export function loadKey(pem: string, settings: KeySettings): Key {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new Problem('usage', 'expected a public key in PEM (-----BEGIN PUBLIC KEY-----)', {}, error);
  }
  return keyOf(key, [settings.hashAlgorithm], settings.rsaScheme);
}

/** Fulcio's certificates fix no hash: it is SHA-256, or the curve's own (sigstore's algorithm registry). */
export function keyOfCertificate(der: Buffer): Key {
  const key = createPublicKey({ key: publicKeyOf(parseDer(der)), format: 'der', type: 'spki' });
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const hash: Hash[] =
    curve === 'secp384r1' ? ['sha384', 'sha256'] : curve === 'secp521r1' ? ['sha512', 'sha256'] : ['sha256'];
  return keyOf(key, hash, 'pkcs1');
}

function keyOf(key: KeyObject, hashes: readonly Hash[], rsaScheme: 'pkcs1' | 'pss'): Key {
  const spki = key.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(spki).digest('hex');
  const safely = (check: Key['verifies']): Key => ({
    id,
    spki,
    verifies: (bytes, signature) => {
      try {
        return check(bytes, signature);
      } catch {
        return false; // not even shaped like a signature
      }
    },
  });
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (!CURVES.has(namedCurve ?? ''))
        throw new Problem('usage', `expected a key on P-256, P-384 or P-521, got ${namedCurve}`);
      return safely((bytes, signature) =>
        hashes.some((hash) => verify(hash, bytes, { key, dsaEncoding: 'der' }, signature)),
      );
    case 'rsa': {
      if ((modulusLength ?? 0) < MIN_RSA_BITS)
        throw new Problem('usage', `expected an RSA key of at least ${MIN_RSA_BITS} bits, got ${modulusLength}`);
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
      const padding = rsaScheme === 'pss' ? pss : { padding: constants.RSA_PKCS1_PADDING };
      return safely((bytes, signature) => hashes.some((hash) => verify(hash, bytes, { key, ...padding }, signature)));
    }
    case 'ed25519': {
      // cosign signs with Ed25519ph, its older versions with plain Ed25519 (RFC 8032); Node has only the latter.
      const raw = spki.subarray(spki.length - 32);
      return safely(
        (bytes, signature) => verify(null, bytes, key, signature) || ed25519ph.verify(signature, bytes, raw),
      );
    }
    default:
      throw new Problem('usage', `expected an ECDSA, RSA or Ed25519 key, got ${key.asymmetricKeyType}`);
  }
}
