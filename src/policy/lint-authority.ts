// What is wrong with an authority: certificates that end, identities that are wider than they look,
// checks that are switched off. Pure.
import { X509Certificate } from 'node:crypto';
import { certificatesIn } from '../sigstore/pem.ts';
import type { Authority } from './config.ts';

type Kind = Authority['kind'];
type ByKind = { readonly [K in Kind]: (authority: Extract<Authority, { kind: K }>) => string[] };

/** Days before a certificate ends that lint warns of it. */
const WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

type Expiry = { readonly level: 'error' | 'warning'; readonly message: string };

/** A certificate that ended is an error, one that ends soon a warning. */
export function expiryOf(authority: Authority, now: Date): Expiry[] {
  const certificates = CERTIFICATES[authority.kind](authority as never).flatMap(certificatesIn);
  return certificates.flatMap((pem): Expiry[] => {
    const { validTo, subject } = new X509Certificate(pem);
    const days = Math.floor((Date.parse(validTo) - now.getTime()) / DAY_MS);
    if (days > WARNING_DAYS) return [];
    const name = subject.replaceAll('\n', ', ');
    return days < 0
      ? [{ level: 'error', message: `the certificate of ${name} ended on ${validTo}` }]
      : [{ level: 'warning', message: `the certificate of ${name} ends on ${validTo}` }];
  });
}

export const authorityWarnings = (authority: Authority): string[] => WARNINGS[authority.kind](authority as never);

const CERTIFICATES: ByKind = {
  cosign: ({ certificateAuthorities }) => [...certificateAuthorities],
  notary: ({ roots }) => [...roots],
  notation: ({ trustStores }) => Object.values(trustStores).flat(),
};

const WARNINGS: ByKind = {
  cosign({ identities, transparencyLog, timestamp }) {
    const patterns = identities.flatMap(({ subjectPattern }) => subjectPattern ?? []);
    const neither = identities.length > 0 && transparencyLog === 'ignore' && timestamp !== 'required';
    return [
      ...patterns
        .filter((pattern) => /^https:\/\/[^/]+\/[^/]+\/\*/.test(pattern))
        .map((pattern) => `${pattern} matches every repository of its owner`),
      ...patterns
        .filter((pattern) => !pattern.includes('@'))
        .map(
          (pattern) =>
            `${pattern} names no ref: any branch may sign, and so may a pull request of a stranger where the workflow runs for it`,
        ),
      ...(neither
        ? ['neither a log entry nor a timestamp is required: a stolen certificate can sign until it ends']
        : []),
    ];
  },
  notary: () => [],
  notation: ({ level, trustedIdentities }) => [
    ...(level === 'audit' ? ['level audit admits every signature, by any signer'] : []),
    ...(trustedIdentities.includes('*') ? ['trusts every certificate that its trust stores vouch for'] : []),
  ],
};
