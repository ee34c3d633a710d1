// Keyless signatures for tests: one sigstore, one trusted signer, and its verdict on a bundle with any fault.
import { parsePinned } from '../../src/image/reference.ts';
import { fromBundle } from '../../src/verify/cosign/material.ts';
import type { CosignSigner } from '../../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../../src/verify/cosign/verify-material.ts';
import { parseTrustRoot } from '../../src/verify/trust/root.ts';
import { DAY } from './keys.ts';
import { type BundleWish, SigstoreStack } from './sigstore-stack.ts';

export const digest = `sha256:${'d'.repeat(64)}`;
export const subject = parsePinned(`registry.test/org/app:1@${digest}`);
export const stack = new SigstoreStack();
export const trust = parseTrustRoot(stack.trustedRoot(), 'test');
export const SUBJECT = 'https://git.test/org/app/.ci/release.yml@refs/heads/main';
export const ISSUER = 'https://issuer.test';
export const past = new Date(stack.now.getTime() - 100 * DAY);

export const signer = (more: Partial<CosignSigner> = {}): CosignSigner => ({
  kind: 'cosign',
  name: 'ci',
  keys: [],
  identities: [{ issuer: ISSUER, subject: SUBJECT }],
  trust,
  thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 0 },
  annotations: {},
  bindRepository: false,
  ...more,
});

export type Change = (bundle: ReturnType<SigstoreStack['bundle']>) => void;
/** The bundle's log entry, to change it. */
export function entryOf(bundle: ReturnType<SigstoreStack['bundle']>) {
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into JSON to break it
  const [entry] = bundle.verificationMaterial['tlogEntries'] as any[];
  return entry;
}

/** The verdict on a bundle that was changed after it was made. */
export function verdictOf(wish: Partial<BundleWish>, more: Partial<CosignSigner> = {}, change: Change = () => {}) {
  const bundle = stack.bundle({ digest, ...wish });
  change(bundle);
  return verdictOfJson(bundle, more);
}

export const verdictOfJson = (bundle: unknown, more: Partial<CosignSigner> = {}) =>
  verifyMaterial([fromBundle(Buffer.from(JSON.stringify(bundle)))], signer(more), subject, stack.now).verdict;
