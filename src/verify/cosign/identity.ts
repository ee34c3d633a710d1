// Is this certificate's identity one that the policy names? By exact text, or by anchored patterns that match in linear time.
import { matchesPattern } from '../../image/pattern.ts';
import type { AllowedIdentity } from '../../policy/config.ts';
import type { CertificateFacts } from './certificate.ts';

/**
 * Issuer, subject and every claim of one and the same entry must match. Any of the certificate's names may be the subject.
 * @returns the name that matched
 */
export function matchIdentity(identities: readonly AllowedIdentity[], facts: CertificateFacts): string | undefined {
  for (const identity of identities) {
    if (identity.issuer !== undefined && identity.issuer !== facts.issuer) continue;
    const { claims = {} } = identity;
    if (!Object.entries(claims).every(([name, wanted]) => facts.claims[name] === wanted)) continue;
    const name = facts.names.find((candidate) =>
      identity.subject !== undefined
        ? candidate === identity.subject
        : identity.subjectPattern !== undefined && matchesPattern(identity.subjectPattern, candidate),
    );
    if (name !== undefined) return name;
  }
  return undefined;
}
