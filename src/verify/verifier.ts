// What every kind of authority provides. Each kind has one Verifier; src/verify/verify.ts holds the table of them.
import type { Attestation, PinnedReference, Verdict } from '../flow.ts';
import type { Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { TrustRoot } from './trust/root.ts';

/** The registry calls that verifying needs. */
export type SignatureClient = Pick<RegistryClient, 'manifest' | 'blob' | 'referrers' | 'service'>;

/** One question: who signed this digest? */
export type VerifyRequest = {
  readonly client: SignatureClient;
  /** The image with the digest that will be written or run: no other digest is considered (T2). */
  readonly subject: PinnedReference;
  /** Whether any rule asks for attestations. */
  readonly attestations?: boolean;
  readonly now?: Date;
};

/** What one authority's signer establishes about one digest. */
export type SignerEvidence = {
  readonly verdict: Verdict;
  readonly attestations?: readonly Attestation[];
  /** Why there may be more attestations than these. */
  readonly problem?: Problem;
};

/** What other parts need to know about a signer, whatever its kind. */
export type SignerDescription = {
  /** Keys that speak for this signer alone. */
  readonly keyIds: readonly string[];
  /** The sigstore trust root that its verdicts depend on. */
  readonly trust?: TrustRoot;
  /** What identifies the signer in recorded evidence: one of `keyIds`, a certificate's subject, or neither. */
  readonly recordedBy: 'key' | 'subject' | 'other';
};

/** One kind of authority. A: its settings in the policy; S: the same with keys parsed and trust loaded. */
export type Verifier<A, S> = {
  /** @throws for settings that cannot be used */
  readonly load: (name: string, authority: A) => S | Promise<S>;
  /** Begins one request: material that several signers share is fetched once. @returns the check of one signer */
  readonly verify: (request: Required<VerifyRequest>) => (signer: S) => Promise<SignerEvidence>;
  readonly describe: (signer: S) => SignerDescription;
};
