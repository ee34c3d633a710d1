// Writes DER: certificates and time stamps with any fault that a test wants. X.690, RFC 5280, RFC 5652, RFC 3161.
import { createHash, type KeyObject, sign } from 'node:crypto';
import { encode } from '../../src/verify/der.ts';

export const sequence = (...parts: Uint8Array[]) => encode(0x30, ...parts);
export const set = (...parts: Uint8Array[]) => encode(0x31, ...parts);
export const octets = (bytes: Uint8Array) => encode(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0) => encode(0x03, Buffer.from([unused]), bytes);
export const boolean = (value: boolean) => encode(0x01, Buffer.from([value ? 0xff : 0]));
export const utf8 = (text: string) => encode(0x0c, Buffer.from(text));
export const context = (number: number, ...parts: Uint8Array[]) => encode(0xa0 | number, ...parts);
export const implicit = (number: number, bytes: Uint8Array) => encode(0x80 | number, bytes);
export const nothing = () => encode(0x05);
export const time = (date: Date) =>
  encode(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));

/** RFC 5280 4.1.2.5: what certificates write until 2049. */
export const utcTime = (date: Date) =>
  encode(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

export function integer(value: number | Uint8Array): Buffer {
  if (typeof value !== 'number')
    return encode(0x02, (value[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), value]) : value);
  const hex = value.toString(16);
  return integer(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'));
}

export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
  const groups = [first * 40 + second, ...rest].flatMap((part) => {
    const bytes = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left % 128) | 0x80);
    return bytes;
  });
  return encode(0x06, Buffer.from(groups));
}

/** A name by its parts; as a list where one part occurs twice. */
export type Name = Record<string, string> | [part: string, value: string][];

export const name = (parts: Name) => {
  const types: Record<string, string> = { CN: '2.5.4.3', C: '2.5.4.6', ST: '2.5.4.8', O: '2.5.4.10' };
  return sequence(
    ...(Array.isArray(parts) ? parts : Object.entries(parts)).map(([key, value]) =>
      set(sequence(oid(types[key] as string), utf8(value))),
    ),
  );
};

export type Extension = { oid: string; critical?: boolean; value: Buffer };
export const extension = ({ oid: id, critical, value }: Extension) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

export const EXTENSIONS = {
  authority: (pathLength?: number): Extension => ({
    oid: '2.5.29.19',
    critical: true,
    value: sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])),
  }),
  /** digitalSignature 0x80, keyCertSign 0x04. */
  usage: (byte: number, critical = true): Extension => ({
    oid: '2.5.29.15',
    critical,
    value: bits(Buffer.from([byte])),
  }),
  purposes: (oids: string[], critical = false): Extension => ({
    oid: '2.5.29.37',
    critical,
    value: sequence(...oids.map(oid)),
  }),
  names: (...names: Buffer[]): Extension => ({ oid: '2.5.29.17', critical: true, value: sequence(...names) }),
};
export const uri = (text: string) => implicit(6, Buffer.from(text));
export const mail = (text: string) => implicit(1, Buffer.from(text));
export const dns = (text: string) => implicit(2, Buffer.from(text));
export const otherName = (text: string) => context(0, oid('1.3.6.1.4.1.57264.1.7'), context(0, utf8(text)));

const ECDSA: Record<string, string> = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha1: '1.2.840.10045.4.1',
};
const RSA: Record<string, string> = { sha256: '1.2.840.113549.1.1.11', sha1: '1.2.840.113549.1.1.5' };
const algorithm = (key: KeyObject, hash: string) =>
  key.asymmetricKeyType === 'ec' ? sequence(oid(ECDSA[hash] as string)) : sequence(oid(RSA[hash] as string), nothing());

export type Certificate = {
  subject: Name;
  issuer: Name;
  /** SPKI, DER. */
  spki: Buffer;
  signer: KeyObject;
  from: Date;
  to: Date;
  extensions: Extension[];
  serial?: number;
  hash?: string;
};

let serials = 1000;

export function tbsCertificate(c: Certificate): Buffer {
  c.serial ??= ++serials;
  return sequence(
    context(0, integer(2)),
    integer(c.serial),
    algorithm(c.signer, c.hash ?? 'sha256'),
    name(c.issuer),
    sequence(utcTime(c.from), utcTime(c.to)),
    name(c.subject),
    c.spki,
    ...(c.extensions.length > 0 ? [context(3, sequence(...c.extensions.map(extension)))] : []),
  );
}

export function certificate(c: Certificate): Buffer {
  const tbs = tbsCertificate(c);
  const hash = c.hash ?? 'sha256';
  return sequence(tbs, algorithm(c.signer, hash), bits(sign(hash, tbs, c.signer)));
}

export const pem = (der: Buffer, label = 'CERTIFICATE') =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END ${label}-----\n`;

export type Stamp = {
  stamped: Buffer;
  /** SHA-256 of what is stamped, where only that is known. */
  imprint?: Buffer;
  at: Date;
  /** The authority's certificate, DER, and key. */
  certificate: Buffer;
  issuer: Record<string, string>;
  serial: number;
  key: KeyObject;
  /** Brought along: all but the root. */
  certificates?: Buffer[];
  /** Which certificate is named in signing-certificate-v2; undefined leaves the attribute out. */
  named?: Buffer | null;
  fraction?: string;
  /** Seconds by which the stated time may be wrong. */
  accuracy?: number;
  /** How many signers the token has; default 1. */
  signers?: number;
  /** The content type that is signed, by OID. */
  contentType?: string;
  /** What the signed message digest covers, if not the content. */
  digested?: Buffer;
};

export const digestHex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const SHA256 = '2.16.840.1.101.3.4.2.1';

/** RFC 3161: the token, as Notation carries it. */
export function timeStampToken(s: Stamp): Buffer {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const stated = `${s.at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}${s.fraction ?? ''}Z`;
  const info = sequence(
    integer(1),
    oid('1.3.6.1.4.1.57264.2'),
    sequence(sequence(oid(SHA256), nothing()), octets(s.imprint ?? digest(s.stamped))),
    integer(++serials),
    encode(0x18, Buffer.from(stated)),
    ...(s.accuracy === undefined ? [] : [sequence(integer(s.accuracy))]),
  );
  const named = s.named === undefined ? s.certificate : s.named;
  const attributes = [
    sequence(oid('1.2.840.113549.1.9.3'), set(oid(s.contentType ?? '1.2.840.113549.1.9.16.1.4'))),
    sequence(oid('1.2.840.113549.1.9.4'), set(octets(digest(s.digested ?? info)))),
    ...(named === null
      ? []
      : [sequence(oid('1.2.840.113549.1.9.16.2.47'), set(sequence(sequence(sequence(octets(digest(named)))))))]),
  ];
  const signed = set(...attributes);
  const signer = sequence(
    integer(1),
    sequence(name(s.issuer), integer(s.serial)),
    sequence(oid(SHA256), nothing()),
    encode(0xa0, ...attributes),
    s.key.asymmetricKeyType === 'ec'
      ? sequence(oid(ECDSA['sha256'] as string))
      : sequence(oid(RSA['sha256'] as string), nothing()),
    octets(sign('sha256', signed, s.key)),
  );
  const data = sequence(
    integer(3),
    set(sequence(oid(SHA256), nothing())),
    sequence(oid('1.2.840.113549.1.9.16.1.4'), context(0, octets(info))),
    encode(0xa0, ...(s.certificates ?? [s.certificate])),
    set(...Array.from({ length: s.signers ?? 1 }, () => signer)),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), context(0, data));
}

/** The token in a response that grants it, as sigstore carries it. */
export const timeStampResponse = (s: Stamp) => sequence(sequence(integer(0)), timeStampToken(s));
