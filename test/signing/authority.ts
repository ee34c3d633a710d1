// An authority by public keys without a log, as most tests want it; keys and more are filled in.
import type { KeyObject } from 'node:crypto';
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

/** The same as text of tagproof.yaml, under `authorities:`. @param more settings, a line each, indented by four */
export function keyAuthorityYaml(name: string, key: KeyObject, more = ''): string {
  const pem = (key.export({ type: 'spki', format: 'pem' }) as string).trim().replace(/^/gm, '        ');
  return `  ${name}:\n    keys:\n      - |\n${pem}\n    transparencyLog: ignore\n${more}`;
}
