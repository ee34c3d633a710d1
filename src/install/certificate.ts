// A CA and serving certificates of our own. The webhook's only caller is given this CA, so no
// public CA is needed.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** PEM. */
export type CertificateAuthority = { readonly ca: string; readonly caKey: string };
export type Leaf = { readonly cert: string; readonly key: string };
export type Certificates = { readonly ca: string } & Leaf;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
/** TLS server authentication. RFC 5280 4.2.1.12. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export async function makeAuthority(days: number, now = new Date()): Promise<CertificateAuthority> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=tagproof webhook CA',
    keys,
    signingAlgorithm: ALGORITHM,
    ...term(days, now),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { ca: ca.toString('pem'), caKey: await pemOf(keys.privateKey) };
}

/** @param names DNS names and addresses at which the webhook is called */
export async function makeLeaf(
  { ca, caKey }: CertificateAuthority,
  names: readonly string[],
  days: number,
  now = new Date(),
): Promise<Leaf> {
  const issuer = new x509.X509Certificate(ca);
  const keys = await newKeys();
  const isAddress = (name: string) => /^[\d.]+$|:/.test(name);
  const cert = await x509.X509CertificateGenerator.create({
    subject: `CN=${names[0] ?? 'tagproof'}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await privateKeyOf(caKey),
    signingAlgorithm: ALGORITHM,
    ...term(days, now),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
      // While one CA replaces another, both have the same name: the key identifier distinguishes
      // them.
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isAddress(name) ? 'ip' : 'dns', value: name })),
      ),
    ],
  });
  return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** A CA and a certificate for one run. The CA's key is discarded. */
export async function makeCertificates(names: readonly string[], days = 365, now = new Date()): Promise<Certificates> {
  const authority = await makeAuthority(days, now);
  return { ca: authority.ca, ...(await makeLeaf(authority, names, days, now)) };
}

/** Valid since yesterday, because clocks differ. */
const term = (days: number, now: Date) => ({
  notBefore: new Date(now.getTime() - DAY_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

const newKeys = () =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n').trim()}\n-----END PRIVATE KEY-----\n`;
}

function privateKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
