// Writes OCSP answers and revocation lists for tests, with any fault. RFC 6960, RFC 5280 5.
import { createHash, type KeyObject, sign } from 'node:crypto';
import { encode } from '../../src/verify/der.ts';
import * as der from './der.ts';
import { spkiOf } from './keys.ts';
import { from, now, ROOT, rootKey, to } from './notation.ts';

const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const signedBy = (content: Buffer, key = rootKey.privateKey, ...more: Buffer[]) =>
  der.sequence(content, algorithm, der.bits(sign('sha256', content, key)), ...more);

export type ListWish = {
  since?: Date;
  /** null leaves nextUpdate out. */
  until?: Date | null;
  key?: KeyObject;
  issuer?: Record<string, string>;
  extensions?: der.Extension[];
};

/** A revocation list with these serial numbers. */
export function crl(
  serials: number[],
  { since = from, until = to, key = rootKey.privateKey, issuer = ROOT, extensions = [] }: ListWish = {},
): Buffer {
  const entries = serials.map((serial) => der.sequence(der.integer(serial), der.time(from)));
  return signedBy(
    der.sequence(
      der.integer(1),
      algorithm,
      der.name(issuer),
      der.time(since),
      ...(until === null ? [] : [der.time(until)]),
      ...(entries.length > 0 ? [der.sequence(...entries)] : []),
      ...(extensions.length > 0 ? [der.context(0, der.sequence(...extensions.map(der.extension)))] : []),
    ),
    key,
  );
}

export type OcspWish = {
  since?: Date;
  /** null leaves nextUpdate out. */
  until?: Date | null;
  key?: KeyObject;
  serial?: number;
  /** Whose certificate the answer is about: name and key of the issuer. */
  issuer?: { name?: Record<string, string>; key?: KeyObject };
  /** Certificates that the answer includes. */
  certificates?: Buffer[];
  /** responseStatus; 0 is "successful". */
  response?: number;
};

export function ocsp(status: 'good' | 'revoked' | 'unknown', wish: OcspWish = {}): Buffer {
  const { since = from, until = to, key = rootKey.privateKey, serial = 2, issuer = {}, certificates = [] } = wish;
  const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest();
  const bits = spkiOf(issuer.key ?? rootKey.publicKey).subarray(-65);
  const id = der.sequence(
    der.sequence(der.oid('1.3.14.3.2.26'), der.nothing()),
    der.octets(sha1(der.name(issuer.name ?? ROOT))),
    der.octets(sha1(bits)),
    der.integer(serial),
  );
  const state = { good: encode(0x80), revoked: encode(0xa1, der.time(from)), unknown: encode(0x82) }[status];
  const end = until === null ? [] : [der.context(0, der.time(until))];
  const single = der.sequence(id, state, der.time(since), ...end);
  const data = der.sequence(der.context(1, der.name(ROOT)), der.time(now), der.sequence(single));
  const included = certificates.length === 0 ? [] : [der.context(0, der.sequence(...certificates))];
  return der.sequence(
    encode(0x0a, Buffer.from([wish.response ?? 0])),
    der.context(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octets(signedBy(data, key, ...included)))),
  );
}
