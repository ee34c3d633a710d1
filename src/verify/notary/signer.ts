// A Notary authority made ready: its pinned root keys and certificates parsed.
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { AuthorityOf } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import type { Pins } from './root.ts';

export type NotarySigner = Pins & {
  readonly kind: 'notary';
  readonly name: string;
  readonly server: string | undefined;
  readonly ca: string | undefined;
  readonly signers: readonly string[];
};

/** @throws Problem `usage` for a pin that is neither a public key nor a certificate */
export function loadNotarySigner(name: string, { server, ca, roots, signers }: AuthorityOf<'notary'>): NotarySigner {
  const certificates: X509Certificate[] = [];
  const keys: KeyObject[] = [];
  for (const [index, pem] of roots.entries()) {
    try {
      if (pem.includes('CERTIFICATE')) certificates.push(new X509Certificate(pem));
      else keys.push(createPublicKey(pem));
    } catch (error) {
      throw new Problem('usage', `notary.roots[${index}]: expected a public key or a certificate in PEM`, {}, error);
    }
  }
  return {
    kind: 'notary',
    name,
    server,
    ca,
    keys: new Set(keys.map((key) => key.export({ type: 'spki', format: 'der' }).toString('hex'))),
    certificates,
    signers,
  };
}
