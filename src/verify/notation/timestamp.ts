// RFC 3161 timestamps as Notation carries them: a CMS ContentInfo that includes its certificates. RFC 3161, 5652, 5816.
import { constants, createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { ASN1Obj } from '@sigstore/core';
import { child, oidOf, parseDer, partsOf, tagged } from '../der.ts';
import { anchorOf, isIssued, outside, readChain } from './chain.ts';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const SEQUENCE = 16;
const MAX_CERTIFICATES = 20;

/** Between `from` and `to`: the stated time, give or take its accuracy. */
export type Stamp = { readonly from: Date; readonly to: Date };

/**
 * @param token ContentInfo, DER
 * @param stamped the bytes that the timestamp must cover: the envelope's signature
 * @param store certificates of trusted timestamp authorities
 * @throws for a token that does not prove a time, saying why
 */
export function verifyStamp(token: Buffer, stamped: Buffer, store: readonly X509Certificate[]): Stamp {
  const info = parseDer(token);
  if (oidOf(info) !== SIGNED_DATA) throw new Error('the timestamp is not signed data');
  const data = child(info, 1, 0);
  const content = child(data, 2);
  if (oidOf(content) !== TST_INFO) throw new Error('the timestamp holds something else');
  const tst = child(content, 1, 0).value;
  const signers = child(data, data.subs.length - 1).subs;
  if (signers.length !== 1) throw new Error('the timestamp must have exactly one signer');
  const certificates = (tagged(data, 0)?.subs ?? [])
    .slice(0, MAX_CERTIFICATES)
    .map((der) => new X509Certificate(der.toDER()));
  const leaf = checkSigner(signers[0] as ASN1Obj, tst, certificates);
  const path = pathOf(leaf, [...certificates, ...store]);
  // A chain that does not lead to a trusted authority is not read further.
  if (anchorOf(path, store) === undefined) throw new Error('the timestamp is by an authority that is not trusted');
  const chain = readChain(
    path.map(({ raw }) => raw),
    'time',
  );
  const stamp = readInfo(parseDer(tst), stamped);
  const wrong = outside(chain, stamp.from, stamp.to);
  if (wrong !== undefined) throw new Error(`the timestamp's certificate was not valid then: ${wrong}`);
  return stamp;
}

/** RFC 5652 5.3 to 5.6. @returns the signer's certificate */
function checkSigner(info: ASN1Obj, tst: Buffer, certificates: readonly X509Certificate[]): X509Certificate {
  const hash = HASHES[oidOf(child(info, 2))];
  if (hash === undefined) throw new Error('the timestamp is signed with an unsupported hash');
  const attributes = tagged(info, 0);
  if (attributes === undefined) throw new Error('the timestamp has no signed attributes');
  const attribute = (oid: string) => {
    const found = attributes.subs.filter((item) => oidOf(item) === oid);
    return found.length === 1 ? child(found[0], 1, 0) : undefined;
  };
  if (attribute(CONTENT_TYPE)?.toOID() !== TST_INFO) throw new Error('the timestamp signs another content type');
  if (!attribute(MESSAGE_DIGEST)?.value.equals(createHash(hash).update(tst).digest()))
    throw new Error('the timestamp is signed over other content');
  // RFC 5816: the signature covers which certificate signed, or another one with the same key could take its place.
  const named = attribute(SIGNING_CERTIFICATE_V2);
  if (named === undefined) throw new Error('the timestamp does not name its certificate (signing-certificate-v2)');
  const id = child(named, 0, 0);
  // The default is SHA-256. Its tag decides whether it is there: the hash value may happen to parse as DER and have parts too.
  const stated = id.subs[0]?.tag.number === SEQUENCE ? HASHES[oidOf(child(id, 0))] : 'sha256';
  const wanted = id.subs.find((sub) => sub.tag.number === 4)?.value;
  const leaf = certificates.find(
    ({ raw }) => stated !== undefined && wanted?.equals(createHash(stated).update(raw).digest()),
  );
  if (leaf === undefined) throw new Error('the timestamp does not include the certificate that it names');
  const sid = child(info, 1);
  const { issuer, serial } = partsOf(parseDer(leaf.raw));
  if (sid.tag.number === SEQUENCE && !(child(sid, 0).toDER().equals(issuer) && child(sid, 1).value.equals(serial)))
    throw new Error('the timestamp names two different certificates');
  const signed = attributes.toDER();
  signed[0] = 0x31; // signed as a SET, stored under a tag
  const algorithm = child(info, 4);
  const signature = child(info, 5).value;
  if (!verifies({ key: leaf.publicKey, hash, pss: oidOf(algorithm) === RSASSA_PSS, signed, signature }))
    throw new Error('the timestamp’s signature is wrong');
  return leaf;
}

type SignatureInput = {
  readonly key: KeyObject;
  readonly hash: string;
  readonly pss: boolean;
  readonly signed: Buffer;
  readonly signature: Buffer;
};

function verifies({ key, hash, pss, signed, signature }: SignatureInput): boolean {
  if (key.asymmetricKeyType === 'ec') return verify(hash, signed, { key, dsaEncoding: 'der' }, signature);
  const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return verify(hash, signed, { key, padding }, signature);
}

/** RFC 3161 2.4.2. */
function readInfo(info: ASN1Obj, stamped: Buffer): Stamp {
  const imprint = child(info, 2);
  const hash = HASHES[oidOf(child(imprint, 0))];
  if (hash === undefined) throw new Error('the timestamp is over an unsupported hash');
  if (!child(imprint, 1).value.equals(createHash(hash).update(stamped).digest()))
    throw new Error('the timestamp is about another signature');
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(child(info, 4).value.toString('latin1')) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(time)) throw new Error('the timestamp states no time');
  const accuracy = info.subs.slice(5).find(({ tag }) => tag.isUniversal() && tag.number === 16);
  const number = (node: ASN1Obj | undefined) =>
    node === undefined ? 0 : node.value.reduce((sum, byte) => sum * 256 + byte, 0);
  const margin =
    accuracy === undefined
      ? 0
      : number(accuracy.subs.find(({ tag }) => tag.isInteger())) * 1000 +
        number(tagged(accuracy, 0)) +
        Math.ceil(number(tagged(accuracy, 1)) / 1000);
  return { from: new Date(time - margin), to: new Date(time + margin) };
}

/** The path from a leaf to a self-signed certificate. */
function pathOf(leaf: X509Certificate, pool: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  for (let at = leaf; chain.length <= 10; ) {
    if (isIssued(at, at)) break;
    const from = at;
    const issuer = pool.find((candidate) => isIssued(from, candidate));
    if (issuer === undefined) break;
    chain.push(issuer);
    at = issuer;
  }
  return chain;
}
