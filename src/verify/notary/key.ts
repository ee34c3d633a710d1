// Keys in Notary v1 metadata: their ids and the four methods by which they sign. theupdateframework/notary, tuf/data, tuf/signed.
import { constants, createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { certificatesIn } from '../../sigstore/pem.ts';
import { isSignedWithSha1, namePartsOf, parseDer, partsOf } from '../der.ts';
import { canonicalJson } from './canonical.ts';

export const KeySchema = v.object({
  keytype: v.picklist(['ecdsa', 'rsa', 'ed25519', 'ecdsa-x509', 'rsa-x509']),
  keyval: v.object({ private: v.null(), public: v.string() }),
});

export type TufKey = {
  /** SHA-256 of the key's canonical JSON, hex; computed, never taken from the file. */
  readonly id: string;
  readonly key: KeyObject;
  /** The leaf certificate of an x509 key; root keys have one. */
  readonly certificate?: X509Certificate;
};

const MIN_RSA_BITS = 2048;
/** SPKI of an Ed25519 key without its 32 bytes. RFC 8410. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** @throws for a key that is too weak or malformed */
export function readKey(json: v.InferOutput<typeof KeySchema>): TufKey {
  const { keytype, keyval } = json;
  const id = createHash('sha256').update(canonicalJson({ keytype, keyval })).digest('hex');
  const bytes = Buffer.from(keyval.public, 'base64');
  if (keytype.endsWith('-x509')) {
    const certificates = certificatesIn(bytes.toString('utf8'));
    if (certificates.length === 0 || certificates.length > 10)
      throw new Error(`key ${id.slice(0, 12)}: no certificate`);
    const [leaf, ...rest] = certificates.map((pem) => new X509Certificate(pem)) as [
      X509Certificate,
      ...X509Certificate[],
    ];
    if (rest.some(({ ca }) => !ca)) throw new Error(`key ${id.slice(0, 12)}: more than one leaf certificate`);
    checkStrength(leaf.publicKey, id);
    return { id, key: leaf.publicKey, certificate: leaf };
  }
  const der = keytype === 'ed25519' ? Buffer.concat([ED25519_PREFIX, bytes]) : bytes;
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const expected = { ecdsa: 'ec', rsa: 'rsa', ed25519: 'ed25519' }[keytype as 'ecdsa'];
  if (key.asymmetricKeyType !== expected) throw new Error(`key ${id.slice(0, 12)} is not ${keytype}`);
  checkStrength(key, id);
  return { id, key };
}

function checkStrength({ asymmetricKeyDetails, asymmetricKeyType }: KeyObject, id: string): void {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength < MIN_RSA_BITS)
    throw new Error(`key ${id.slice(0, 12)}: RSA with ${modulusLength} bits is too weak`);
  if (asymmetricKeyType === 'ec' && !['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve))
    throw new Error(`key ${id.slice(0, 12)}: the curve ${namedCurve} is not supported`);
}

/** The hash is SHA-256 for every key; ECDSA signatures are r‖s, not DER. False for a method that does not match the key. */
export function verifies({ key }: TufKey, method: string, bytes: Buffer, signature: Buffer): boolean {
  const type = key.asymmetricKeyType;
  try {
    if (method === 'ecdsa' && type === 'ec')
      return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
    if (method === 'eddsa' && type === 'ed25519') return verify(null, bytes, key, signature);
    if (method === 'rsapss' && type === 'rsa')
      return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature);
    if (method === 'rsapkcs1v15' && type === 'rsa')
      return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return false; // not even shaped like a signature
  }
  return false;
}

/** Tolerance for a clock that is behind, as in Notary's own client: one day. */
const GRACE_MS = 86_400_000;

/** Notary's rules for a root certificate: for this name, currently valid, no authority, no SHA-1. @returns what is wrong */
export function checkRootCertificate(certificate: X509Certificate, gun: string, now: Date): string | undefined {
  if (certificate.ca) return 'the root certificate belongs to a certificate authority';
  const names = namePartsOf(partsOf(parseDer(certificate.raw)).subject).filter(([attribute]) => attribute === 'CN');
  const name = names.length === 1 ? (names[0]?.[1] ?? '') : '';
  const matches = name.endsWith('*') ? gun.startsWith(name.slice(0, -1)) && name.length > 1 : name === gun;
  if (!matches) return `the root certificate is for ${name || 'no name'}, not for ${gun}`;
  if (Date.parse(certificate.validTo) < now.getTime()) return `the root certificate ended on ${certificate.validTo}`;
  if (Date.parse(certificate.validFrom) - GRACE_MS > now.getTime()) return 'the root certificate is not valid yet';
  if (isSignedWithSha1(certificate.raw)) return 'the root certificate is signed with SHA-1';
  return undefined;
}
