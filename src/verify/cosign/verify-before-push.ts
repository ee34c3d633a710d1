// Would a signature that we just made verify? Checked before it is pushed.
import { createPublicKey } from 'node:crypto';
import type { PinnedReference } from '../../flow.ts';
import { readStatement } from '../../sigstore/statement.ts';
import { EMPTY_ROOT, type TrustRoot } from '../trust/root.ts';
import { readCertificate } from './certificate.ts';
import { prove } from './engine.ts';
import { loadKey } from './key.ts';
import type { Material } from './material.ts';

/**
 * @param trust undefined for a plain key without witnesses
 * @param spki of the key that signed, DER
 * @returns what is wrong; undefined if nothing is
 */
export function verifyBeforePush(
  material: Material,
  subject: PinnedReference,
  trust: TrustRoot | undefined,
  spki: Buffer,
): string | undefined {
  const { digest } = subject;
  const claim = readStatement(material.payload, digest);
  if ('malformed' in claim) return claim.malformed;
  if (!claim.digests.includes(digest)) return 'it is about another digest';
  const pem = createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({
    type: 'spki',
    format: 'pem',
  }) as string;
  const key = loadKey(pem, { hashAlgorithm: 'sha256', rsaScheme: 'pkcs1' });
  if (!key.verifies(material.signed, material.signature)) return 'the signature is wrong';
  if (material.certificate !== undefined) {
    const facts = readCertificate(material.certificate);
    if ('wrong' in facts) return facts.wrong;
  }
  const thresholds = {
    logEntries: material.logEntries.length > 0 ? 1 : 0,
    certificateTimestamps: material.certificate === undefined ? 0 : 1,
    timestamps: material.timestamps.length > 0 ? 1 : 0,
  } as const;
  const proven = prove({
    material,
    trust: (trust ?? EMPTY_ROOT).material,
    thresholds,
    now: new Date(),
    policyKey: material.certificate === undefined ? key : undefined,
  });
  return 'wrong' in proven ? proven.wrong : undefined;
}
