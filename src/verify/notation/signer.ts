// A Notation authority made ready: trust stores and identities parsed.
import { X509Certificate } from 'node:crypto';
import type { AuthorityOf } from '../../policy/config.ts';
import { certificatesIn } from '../../sigstore/pem.ts';
import { type Name, readIdentities } from './identity.ts';

export type NotationSigner = Pick<AuthorityOf<'notation'>, 'level' | 'verifyTimestamp' | 'revocation'> & {
  readonly kind: 'notation';
  readonly name: string;
  readonly stores: Readonly<Record<'ca' | 'signingAuthority' | 'tsa', readonly X509Certificate[]>>;
  readonly identities: readonly (Name | undefined)[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly signatureRepository?: string | undefined;
};

/** @throws for a malformed certificate or identity */
export function loadNotationSigner(name: string, authority: AuthorityOf<'notation'>): NotationSigner {
  const { level, verifyTimestamp, revocation, trustStores, trustedIdentities, annotations, signatureRepository } =
    authority;
  const read = (texts: readonly string[]) => texts.flatMap(certificatesIn).map((pem) => new X509Certificate(pem));
  return {
    kind: 'notation',
    name,
    level,
    verifyTimestamp,
    revocation,
    stores: {
      ca: read(trustStores.ca),
      signingAuthority: read(trustStores.signingAuthority),
      tsa: read(trustStores.tsa),
    },
    identities: readIdentities(trustedIdentities),
    annotations,
    signatureRepository,
  };
}
