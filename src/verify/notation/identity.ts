// Trusted identities of a Notation policy: `x509.subject: C=…, ST=…, O=…` matches a certificate that has at least these parts.
// notaryproject/specifications, trust-store-trust-policy.md, "Trusted Identities Constraints".
import type { X509Certificate } from 'node:crypto';
import { Problem } from '../../problem.ts';
import { namePartsOf, parseDer, partsOf } from '../der.ts';

export type Name = ReadonlyMap<string, string>;

const REQUIRED = ['C', 'ST', 'O'];

/** @returns undefined for `*`; @throws Problem `usage` for an identity that names too little or is malformed */
function readIdentity(text: string): Name | undefined {
  if (text === '*') return undefined;
  const [, list = ''] = /^x509\.subject:(.*)$/s.exec(text) ?? [];
  const name = new Map<string, string>();
  // RFC 4514: unescaped commas separate parts; a backslash makes the next character literal.
  for (const part of list.match(/(?:\\.|[^,\\])+/gs) ?? []) {
    const [, key, value] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    if (key === undefined || value === undefined || value === '')
      throw new Problem('usage', `trustedIdentities: expected x509.subject: C=…, ST=…, O=…, got '${text}'`);
    const type = key.toUpperCase() === 'S' ? 'ST' : key.toUpperCase();
    if (name.has(type)) throw new Problem('usage', `trustedIdentities: ${type} occurs twice in '${text}'`);
    name.set(type, value.replace(/\\(.)/gs, '$1'));
  }
  const missing = REQUIRED.filter((part) => !name.has(part));
  if (missing.length > 0)
    throw new Problem('usage', `trustedIdentities: '${text}' has no ${missing.join(', ')}: C, ST and O are required`);
  return name;
}

/** @throws Problem `usage` for identities of which one contains another, because it would be ambiguous which one matched */
export function readIdentities(texts: readonly string[]): readonly (Name | undefined)[] {
  const names = texts.map(readIdentity);
  for (const [index, a] of names.entries()) {
    const b = names.findIndex(
      (other, at) => at !== index && a !== undefined && other !== undefined && contains(a, other),
    );
    if (b >= 0) throw new Problem('usage', `trustedIdentities: '${texts[index]}' and '${texts[b]}' overlap`);
  }
  return names;
}

/** Does the certificate's subject have every part of one of the identities? */
export function isTrusted({ raw }: X509Certificate, identities: readonly (Name | undefined)[]): boolean {
  const parts = new Map<string, string>();
  for (const [attribute, value] of namePartsOf(partsOf(parseDer(raw)).subject)) {
    // With two values of one part, either could pass for the other: neither matches.
    parts.set(attribute, parts.has(attribute) ? '\0' : value);
  }
  return identities.some((identity) => identity === undefined || contains(parts, identity));
}

const contains = (whole: Name, part: Name) => [...part].every(([key, value]) => whole.get(key) === value);
