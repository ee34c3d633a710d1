// A cosign authority made ready: its keys parsed, its trust root loaded, so that verifying is pure.
import type { AllowedIdentity, AuthorityOf } from '../../policy/config.ts';
import { EMPTY_ROOT, type TrustRoot, withAuthorities } from '../trust/root.ts';
import { loadTrustRoot } from '../trust/store.ts';
import type { Thresholds } from './engine.ts';
import { type Key, loadKey } from './key.ts';

export type CosignSigner = {
  readonly kind: 'cosign';
  readonly name: string;
  readonly keys: readonly Key[];
  readonly identities: readonly AllowedIdentity[];
  readonly trust: TrustRoot;
  readonly thresholds: Thresholds;
  readonly annotations: Readonly<Record<string, string>>;
  readonly bindRepository: boolean;
  readonly signatureRepository?: string | undefined;
};

/** @throws Problem `usage` or `file` */
export async function loadCosignSigner(name: string, authority: AuthorityOf<'cosign'>): Promise<CosignSigner> {
  const { transparencyLog, certificateTransparency, timestamp, trustRoot, certificateAuthorities } = authority;
  const byKey = authority.keys.length > 0;
  // A key without log and timestamp depends on nothing else.
  const needsRoot = !byKey || transparencyLog === 'required' || timestamp === 'required';
  const hasOwnAuthorities = certificateAuthorities.length > 0;
  const base =
    !needsRoot || (hasOwnAuthorities && trustRoot === 'public-good' && transparencyLog === 'ignore')
      ? EMPTY_ROOT
      : (await loadTrustRoot(trustRoot)).root;
  return {
    kind: 'cosign',
    name,
    keys: authority.keys.map((pem) => loadKey(pem, authority)),
    identities: authority.identities,
    trust: hasOwnAuthorities ? withAuthorities(base, certificateAuthorities) : base,
    thresholds: {
      logEntries: transparencyLog === 'required' ? 1 : 0,
      certificateTimestamps: !byKey && certificateTransparency === 'required' ? 1 : 0,
      timestamps: timestamp === 'required' ? 1 : 0,
    },
    annotations: authority.annotations,
    bindRepository: authority.bindRepository,
    signatureRepository: authority.signatureRepository,
  };
}
