// Hashing bytes to their digest; apart from digest.ts, so that who only reads names does not load a crypto library.
import { createHash } from 'node:crypto';

/** The digest of some bytes under the algorithm of `like` (sha256 when not told). */
export function digestOf(bytes: Uint8Array | string, like = 'sha256'): string {
  const algorithm = like.split(':', 1)[0] as string;
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
