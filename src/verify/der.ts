// Reading and writing DER, on top of the parser of @sigstore/core. ITU-T X.690.
import { ASN1Obj } from '@sigstore/core';

/** @throws for what is not DER */
export function parseDer(bytes: Uint8Array): ASN1Obj {
  return ASN1Obj.parseBuffer(Buffer.from(bytes) as Buffer<ArrayBuffer>);
}

/** @throws when there is no such child */
export function child(node: ASN1Obj | undefined, ...path: number[]): ASN1Obj {
  let at = node;
  for (const index of path) at = at?.subs[index];
  if (at === undefined) throw new Error('the DER has a missing part');
  return at;
}

/** The child with the context-specific tag [number], if the node has one. */
export function tagged(node: ASN1Obj, number: number): ASN1Obj | undefined {
  return node.subs.find((sub) => sub.tag.isContextSpecific(number));
}

/** `1.2.840…`, of a sequence that starts with one. */
export function oidOf(node: ASN1Obj): string {
  return child(node, 0).toOID();
}

export type Extension = { readonly oid: string; readonly critical: boolean; readonly value: Buffer };

/** RFC 5280 4.2: extensions of a certificate in order. @param certificate its DER */
export function extensionsOf(certificate: ASN1Obj): Extension[] {
  const list = tagged(child(certificate, 0), 3);
  return (list === undefined ? [] : child(list, 0).subs).map((extension) => ({
    oid: oidOf(extension),
    critical: extension.subs.length === 3 && child(extension, 1).toBoolean(),
    value: child(extension, extension.subs.length - 1).value,
  }));
}

/** SubjectPublicKeyInfo of a certificate, DER. */
export function publicKeyOf(certificate: ASN1Obj): Buffer {
  const tbs = child(certificate, 0);
  // version [0] may be absent in version 1 certificates
  return child(tbs, tbs.subs[0]?.tag.isContextSpecific(0) ? 6 : 5).toDER();
}

/** RSA, ECDSA and DSA with SHA-1, and RSA's older name. */
const SHA1 = new Set(['1.2.840.113549.1.1.5', '1.2.840.10045.4.1', '1.2.840.10040.4.3', '1.3.14.3.2.29']);

/** @param certificate DER */
export function isSignedWithSha1(certificate: Uint8Array): boolean {
  return SHA1.has(child(parseDer(certificate), 1, 0).toOID());
}

/** One DER element: tag, length, contents. X.690 8.1. */
export function encode(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const length: number[] = [];
  if (body.length < 0x80) length.push(body.length);
  else {
    for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
    length.unshift(0x80 | length.length);
  }
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** Serial number, names and key of a certificate, in the forms that X.509 checks compare. RFC 5280 4.1.2. */
export type CertificateParts = {
  readonly serial: Buffer;
  /** Name, DER. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** The key's bits, as OCSP hashes them. */
  readonly keyBits: Buffer;
};

export function partsOf(certificate: ASN1Obj): CertificateParts {
  const tbs = child(certificate, 0);
  const at = tbs.subs[0]?.tag.isContextSpecific(0) ? 1 : 0;
  return {
    serial: child(tbs, at).value,
    issuer: child(tbs, at + 2).toDER(),
    subject: child(tbs, at + 4).toDER(),
    keyBits: child(tbs, at + 5, 1).value.subarray(1),
  };
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

/**
 * The parts of a name in order, each attribute by its short name or OID. They come from the DER, because in a printed form one
 * part could pass for another. RFC 5280 4.1.2.4. @param name its DER
 */
export function namePartsOf(name: Buffer): [attribute: string, value: string][] {
  return parseDer(name).subs.flatMap((set) =>
    set.subs.map((part): [string, string] => {
      const { tag, value } = child(part, 1);
      const oid = oidOf(part);
      // BMPString is UTF-16, big endian; all others read as UTF-8.
      const text = tag.number === 30 ? Buffer.from(value).swap16().toString('utf16le') : value.toString('utf8');
      return [ATTRIBUTES[oid] ?? oid, text];
    }),
  );
}
