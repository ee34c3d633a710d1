// An authority by public keys without a log, as most tests want it; keys and more are filled in.
import type { Authority, CosignAuthority } from '../../src/policy/config.ts';

export const KEY_AUTHORITY: Authority & CosignAuthority = {
  kind: 'cosign',
  keys: [],
  hashAlgorithm: 'sha256',
  rsaScheme: 'pkcs1',
  identities: [],
  trustRoot: 'public-good',
  certificateAuthorities: [],
  transparencyLog: 'ignore',
  certificateTransparency: 'ignore',
  timestamp: 'optional',
  bindRepository: false,
  annotations: {},
};
