// Checks a code-signing certificate beyond its chain, which the engine checks: usages, extensions, all of its names. Closes
// gaps 1, 2, 3 and 5 of the engine (engine.ts). RFC 5280; Fulcio's docs/oid-info.md and docs/certificate-specification.md.
import type { ASN1Obj } from '@sigstore/core';
import { CLAIMS, LEGACY_CLAIMS } from '../../sigstore/claims.ts';
import { child, extensionsOf, oidOf, parseDer } from '../der.ts';

const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALT_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const OTHER_NAME = '1.3.6.1.4.1.57264.1.7';
/** Checked here, or free of constraints. Any other critical extension may forbid this very use (RFC 5280 4.2). */
const UNDERSTOOD = new Set([KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS]);

const FULCIO = '1.3.6.1.4.1.57264.1';
export type CertificateFacts = {
  /** The OIDC issuer; absent in certificates that are not Fulcio's. */
  readonly issuer?: string;
  /** All subject alternative names: URIs, mail addresses, DNS names, Fulcio's user names. */
  readonly names: readonly string[];
  readonly claims: Readonly<Record<string, string>>;
};

/** @returns the identity and claims of the certificate, or why it must not sign */
export function readCertificate(der: Buffer): CertificateFacts | { readonly wrong: string } {
  const certificate = parseDer(der);
  const extensions = extensionsOf(certificate);
  const repeated = extensions.find(({ oid }, at) => extensions.findIndex((other) => other.oid === oid) !== at);
  if (repeated !== undefined) return { wrong: `its certificate has the extension ${repeated.oid} twice` };
  const unknown = extensions.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
  if (unknown !== undefined)
    return { wrong: `its certificate has a critical extension that tagproof does not know (${unknown.oid})` };
  const find = (oid: string) => extensions.find((extension) => extension.oid === oid)?.value;
  const usages = find(EXTENDED_KEY_USAGE);
  if (usages === undefined || !parseDer(usages).subs.some((usage) => usage.toOID() === CODE_SIGNING))
    return { wrong: 'its certificate is not for code signing (extended key usage)' };
  const usage = find(KEY_USAGE);
  // A bit string: one byte with the number of unused bits, then the bits; digitalSignature is the first.
  if (usage === undefined || ((parseDer(usage).value[1] ?? 0) & 0x80) === 0)
    return { wrong: 'its certificate is not for signatures (key usage digitalSignature)' };
  const constraints = find(BASIC_CONSTRAINTS);
  if (constraints !== undefined && parseDer(constraints).subs[0]?.toBoolean() === true)
    return { wrong: 'its certificate belongs to a certificate authority' };
  const alternative = find(SUBJECT_ALT_NAME);
  const utf8 = (number: number) => {
    const value = find(`${FULCIO}.${number}`);
    return value === undefined ? undefined : parseDer(value).value.toString('utf8');
  };
  const bare = (number: number) => find(`${FULCIO}.${number}`)?.toString('utf8');
  const issuer = utf8(8) ?? bare(1);
  const claims = [
    ...Object.entries(CLAIMS).map(([name, number]) => [name, utf8(number)] as const),
    ...Object.entries(LEGACY_CLAIMS).map(([name, number]) => [name, bare(number)] as const),
  ].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...(issuer !== undefined && { issuer }),
    names: alternative === undefined ? [] : parseDer(alternative).subs.flatMap(nameOf),
    claims: Object.fromEntries(claims),
  };
}

/** GeneralName, RFC 5280 4.2.1.6: [1] mail, [2] DNS, [6] URI, [0] another with its own OID. */
function nameOf(name: ASN1Obj): string[] {
  if (name.tag.isContextSpecific(1) || name.tag.isContextSpecific(2) || name.tag.isContextSpecific(6))
    return [name.value.toString('utf8')];
  if (name.tag.isContextSpecific(0) && oidOf(name) === OTHER_NAME) return [child(name, 1, 0).value.toString('utf8')];
  return [];
}
