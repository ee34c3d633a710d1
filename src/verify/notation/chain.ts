// The certificate chain of a Notary Project signature: complete, in order, nothing extra, each certificate valid in its role.
// notaryproject/specifications, signature-specification.md, "Certificate Requirements".
import { X509Certificate } from 'node:crypto';
import { extensionsOf, isSignedWithSha1, parseDer, partsOf } from '../der.ts';
import type { Algorithm } from './envelope.ts';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
/** anyExtendedKeyUsage, serverAuth, clientAuth, emailProtection. */
const FORBIDDEN = new Set(['2.5.29.37.0', '1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.4']);
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.19', '2.5.29.37', '2.5.29.17', '2.5.29.31', '2.5.29.32']);
/** Bits of key usage, RFC 5280 4.2.1.3, from the first byte's highest. */
const BIT = { digitalSignature: 0x80, contentCommitment: 0x40, keyCertSign: 0x04 };

/** `code`: signs artifacts; `time`: signs timestamps. */
export type Purpose = 'code' | 'time';

/** @returns the chain from leaf to root; @throws for a chain that breaks a rule, saying which */
export function readChain(ders: readonly Buffer[], purpose: Purpose): X509Certificate[] {
  const chain = ders.map((der) => new X509Certificate(der));
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate; // the last one is self-signed
    const name = printName(certificate);
    if (!isIssued(certificate, issuer)) throw new Error(`the chain is not in order or not complete at ${name}`);
    if (isSignedWithSha1(certificate.raw)) throw new Error(`${name} is signed with SHA-1`);
    checkKey(certificate, name);
    if (index === 0 && !(chain.length === 1 && certificate.ca)) checkLeaf(certificate, purpose, name);
    else if (index > 0) checkAuthority(certificate, index - 1, name);
  }
  return chain;
}

/** Does the certificate name `by` as issuer, and did `by` sign it? Whether `by` may issue is checked separately. */
export function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  const { issuer } = partsOf(parseDer(certificate.raw));
  return issuer.equals(partsOf(parseDer(by.raw)).subject) && certificate.verify(by.publicKey);
}

export const printName = ({ subject }: X509Certificate) =>
  subject.split('\n').reverse().join(', ') || 'a certificate without a name';

function checkKey({ publicKey }: X509Certificate, name: string): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  const strong =
    asymmetricKeyType === 'rsa'
      ? modulusLength >= 2048
      : asymmetricKeyType === 'ec' && ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve);
  if (!strong) throw new Error(`${name} has a key that is too weak`);
}

function usagesOf(certificate: X509Certificate) {
  const extensions = extensionsOf(parseDer(certificate.raw));
  const unknown = extensions.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
  if (unknown !== undefined)
    throw new Error(`${printName(certificate)} has an unknown critical extension (${unknown.oid})`);
  const find = (oid: string) => extensions.find((extension) => extension.oid === oid);
  const usage = find('2.5.29.15');
  const bits = usage === undefined ? [] : [...parseDer(usage.value).value.subarray(1)];
  const extended = find('2.5.29.37');
  const purposes = extended === undefined ? undefined : parseDer(extended.value).subs.map((purpose) => purpose.toOID());
  return { usage, bits, extended, purposes, constraints: find('2.5.29.19') };
}

function checkLeaf(certificate: X509Certificate, purpose: Purpose, name: string): void {
  const { usage, bits, extended, purposes } = usagesOf(certificate);
  if (certificate.ca) throw new Error(`${name} belongs to a certificate authority`);
  const allowed = BIT.digitalSignature | BIT.contentCommitment;
  if (usage?.critical !== true || ((bits[0] ?? 0) & BIT.digitalSignature) === 0)
    throw new Error(`${name} is not for signatures (key usage digitalSignature, critical)`);
  if (purpose === 'time') {
    if (extended?.critical !== true || purposes?.length !== 1 || purposes[0] !== TIME_STAMPING)
      throw new Error(`${name} is not for time stamping alone`);
    return;
  }
  if (((bits[0] ?? 0) & ~allowed) !== 0 || (bits[1] ?? 0) !== 0) throw new Error(`${name} is for more than signatures`);
  if (purposes === undefined) return;
  if (!purposes.includes(CODE_SIGNING)) throw new Error(`${name} is not for code signing`);
  if (purposes.some((oid) => FORBIDDEN.has(oid) || oid === TIME_STAMPING))
    throw new Error(`${name} is for more than code signing`);
}

/** @param below certificate authorities between it and the leaf */
function checkAuthority(certificate: X509Certificate, below: number, name: string): void {
  const { usage, bits, constraints } = usagesOf(certificate);
  if (usage?.critical !== true || ((bits[0] ?? 0) & BIT.keyCertSign) === 0)
    throw new Error(`${name} may not issue certificates`);
  if (!certificate.ca || constraints?.critical !== true) throw new Error(`${name} is not a certificate authority`);
  const length = parseDer(constraints.value).subs.find((sub) => sub.tag.isInteger());
  if (length !== undefined && length.toInteger() < BigInt(below))
    throw new Error(`${name} may not issue for so long a chain`);
}

/** The algorithm that the specification dictates for a key: the envelope must state this one. */
export function algorithmOf({ publicKey }: X509Certificate): Algorithm | undefined {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'rsa')
    return ({ 2048: 'PS256', 3072: 'PS384', 4096: 'PS512' } as const)[modulusLength as 2048];
  return ({ prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' } as const)[namedCurve as 'prime256v1'];
}

/** Does every certificate's validity cover this span? @returns the first that does not */
export function outside(chain: readonly X509Certificate[], from: Date, to: Date): string | undefined {
  const wrong = chain.find(
    ({ validFrom, validTo }) => from.getTime() < Date.parse(validFrom) || to.getTime() > Date.parse(validTo),
  );
  return wrong && `${printName(wrong)} is valid from ${wrong.validFrom} to ${wrong.validTo}`;
}

/** A certificate of the chain that is in the trust store. */
export function anchorOf(
  chain: readonly X509Certificate[],
  store: readonly X509Certificate[],
): X509Certificate | undefined {
  return chain.find((certificate) => store.some((trusted) => trusted.raw.equals(certificate.raw)));
}
