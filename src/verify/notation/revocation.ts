// Was a certificate revoked? OCSP first, then CRL. "Could not be checked" is an answer of its own. RFC 6960, RFC 5280 5. The
// addresses come from certificates whose chain a trust store of the policy already vouches for.
import { createHash, verify, X509Certificate } from 'node:crypto';
import type { ASN1Obj } from '@sigstore/core';
import type { RegistryClient } from '../../registry/client.ts';
import { child, encode, extensionsOf, oidOf, parseDer, partsOf, tagged } from '../der.ts';
import { isIssued, printName } from './chain.ts';

export type Revocation =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly who: string }
  | { readonly kind: 'unknown'; readonly why: string };

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};
const MAX_OCSP = 64 * 1024;
const MAX_CRL = 8 * 1024 * 1024;
/** Tolerated difference between clocks, milliseconds. */
const SKEW_MS = 5 * 60_000;

type Client = Pick<RegistryClient, 'service'>;

/** One certificate to check, and where. */
type Query = {
  readonly client: Client;
  readonly url: string;
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  readonly now: Date;
};

/** Every certificate but the root, against its issuer. The first revoked certificate decides. */
export async function checkRevocation(
  client: Client,
  chain: readonly X509Certificate[],
  now: Date,
): Promise<Revocation> {
  let unknown: Revocation | undefined;
  for (const [index, certificate] of chain.slice(0, -1).entries()) {
    const answer = await checkOne(client, certificate, chain[index + 1] as X509Certificate, now);
    if (answer.kind === 'revoked') return answer;
    if (answer.kind === 'unknown') unknown ??= answer;
  }
  return unknown ?? { kind: 'good' };
}

async function checkOne(
  client: Client,
  certificate: X509Certificate,
  issuer: X509Certificate,
  now: Date,
): Promise<Revocation> {
  const ocsp = /^OCSP - URI:(http\S+)$/m.exec(certificate.infoAccess ?? '')?.[1];
  const crl = crlOf(certificate);
  if (ocsp === undefined && crl === undefined)
    return { kind: 'unknown', why: `${printName(certificate)} names neither OCSP nor a revocation list` };
  const reasons: string[] = [];
  const query = { client, certificate, issuer, now };
  for (const isRevoked of [
    ocsp && (() => queryOcsp({ ...query, url: ocsp })),
    crl && (() => queryCrl({ ...query, url: crl })),
  ]) {
    if (!isRevoked) continue;
    try {
      const revoked = await isRevoked();
      return revoked ? { kind: 'revoked', who: printName(certificate) } : { kind: 'good' };
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    kind: 'unknown',
    why: `whether ${printName(certificate)} was revoked could not be checked: ${reasons.join('; ')}`,
  };
}

/** RFC 6960. @returns whether it was revoked; @throws when the answer does not say */
async function queryOcsp({ client, url, certificate, issuer, now }: Query): Promise<boolean> {
  const { serial } = partsOf(parseDer(certificate.raw));
  const issuerParts = partsOf(parseDer(issuer.raw));
  const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest(); // identifies the issuer, proves nothing
  const id = encode(
    0x30,
    encode(0x30, Buffer.from('06052b0e03021a0500', 'hex')),
    encode(0x04, sha1(issuerParts.subject)),
    encode(0x04, sha1(issuerParts.keyBits)),
    encode(0x02, serial),
  );
  const request = encode(0x30, encode(0x30, encode(0x30, encode(0x30, id))));
  const answer = await client
    .service({ url, answered: true })
    .post('', request, { 'content-type': 'application/ocsp-request' }, MAX_OCSP);
  if (answer.status !== 200) throw new Error(`OCSP answered ${answer.status}`);
  const response = parseDer(answer.body);
  if (child(response, 0).value[0] !== 0) throw new Error('OCSP gave no answer');
  const basic = parseDer(child(response, 1, 0, 1).value);
  const data = child(basic, 0);
  checkOcspSigner(basic, issuer, now);
  const responses = data.subs.find(
    ({ tag, subs }) => tag.number === 16 && tag.isUniversal() && subs[0]?.tag.number === 16,
  );
  const single = responses?.subs.find(
    (item) =>
      child(item, 0, 3).value.equals(serial) &&
      child(item, 0, 1).value.equals(sha1(issuerParts.subject)) &&
      child(item, 0, 2).value.equals(sha1(issuerParts.keyBits)),
  );
  if (single === undefined) throw new Error('OCSP answers about another certificate');
  // nextUpdate has the tag [0], and so has the status "good" before it.
  const end = single.subs.slice(3).find(({ tag }) => tag.isContextSpecific(0));
  checkTerm(child(single, 2).toDate(), end?.subs[0]?.toDate(), now, 'OCSP');
  const status = child(single, 1).tag.number;
  if (status === 2) throw new Error('OCSP does not know the certificate');
  return status === 1;
}

/** Signed by the issuer, or by a valid certificate that the issuer made for OCSP (RFC 6960 4.2.2.2). */
function checkOcspSigner(basic: ASN1Obj, issuer: X509Certificate, now: Date): void {
  const included = (tagged(basic, 0)?.subs[0]?.subs ?? []).slice(0, 4).map((der) => new X509Certificate(der.toDER()));
  const delegates = included.filter((certificate) => {
    const usage = extensionsOf(parseDer(certificate.raw)).find(({ oid }) => oid === '2.5.29.37');
    return (
      isIssued(certificate, issuer) &&
      Date.parse(certificate.validFrom) <= now.getTime() &&
      now.getTime() <= Date.parse(certificate.validTo) &&
      usage !== undefined &&
      parseDer(usage.value).subs.some((purpose) => purpose.toOID() === OCSP_SIGNING)
    );
  });
  if (![issuer, ...delegates].some((signer) => signedBy(basic, signer)))
    throw new Error('the OCSP answer is not signed by the issuer');
}

/** SEQUENCE { content, algorithm, signature }: the form of certificates, revocation lists and OCSP answers. */
function signedBy(signed: ASN1Obj, { publicKey }: X509Certificate): boolean {
  const hash = HASHES[oidOf(child(signed, 1))];
  if (hash === undefined) return false;
  try {
    return verify(hash, child(signed, 0).toDER(), publicKey, child(signed, 2).value.subarray(1));
  } catch {
    return false;
  }
}

/** RFC 5280 5 and 6.3. @returns whether it was revoked; @throws when the list does not say */
async function queryCrl({ client, url, certificate, issuer, now }: Query): Promise<boolean> {
  const answer = await client.service({ url, answered: true }).get('', '', MAX_CRL);
  if (answer.status !== 200) throw new Error(`the revocation list answered ${answer.status}`);
  const list = parseDer(answer.body);
  if (!signedBy(list, issuer)) throw new Error('the revocation list is not signed by the issuer');
  const tbs = child(list, 0);
  const at = tbs.subs[0]?.tag.isInteger() ? 1 : 0;
  if (
    !child(tbs, at + 1)
      .toDER()
      .equals(partsOf(parseDer(issuer.raw)).subject)
  )
    throw new Error('the revocation list is of another issuer');
  const times = tbs.subs.slice(at + 2).filter(({ tag }) => tag.isUTCTime() || tag.isGeneralizedTime());
  checkTerm(child(times[0]).toDate(), times[1]?.toDate(), now, 'the revocation list');
  const extensions = tagged(tbs, 0)?.subs[0]?.subs ?? [];
  const unknown = extensions.find((extension) => extension.subs.length === 3 && child(extension, 1).toBoolean());
  if (unknown !== undefined)
    throw new Error(`the revocation list has an unknown critical extension (${oidOf(unknown)})`);
  const { serial } = partsOf(parseDer(certificate.raw));
  const entries = tbs.subs.slice(at + 2).find(({ tag }) => tag.isUniversal() && tag.number === 16);
  return entries?.subs.some((entry) => child(entry, 0).value.equals(serial)) ?? false;
}

/** An answer without an end could be replayed for ever. */
function checkTerm(start: Date, end: Date | undefined, now: Date, who: string): void {
  if (start.getTime() - SKEW_MS > now.getTime()) throw new Error(`${who} is dated in the future`);
  if (end === undefined || end.getTime() + SKEW_MS < now.getTime()) throw new Error(`${who} is out of date`);
}

/** The first URL of the CRL distribution points (RFC 5280 4.2.1.13). */
function crlOf(certificate: X509Certificate): string | undefined {
  const points = extensionsOf(parseDer(certificate.raw)).find(({ oid }) => oid === '2.5.29.31');
  if (points === undefined) return undefined;
  const urls: string[] = [];
  const walk = (node: ASN1Obj) => {
    if (node.tag.isContextSpecific(6) && node.subs.length === 0) urls.push(node.value.toString('latin1'));
    for (const sub of node.subs) walk(sub);
  };
  walk(parseDer(points.value));
  return urls.find((url) => /^https?:\/\//.test(url));
}
