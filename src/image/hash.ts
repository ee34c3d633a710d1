// The digest of bytes. Not in digest.ts, so that code that only reads names does not load a crypto
// library.
import { createHash } from 'node:crypto';

/** The digest of some bytes under the algorithm of `like`, a digest or the name of an algorithm. */
export function digestOf(bytes: Uint8Array | string, like = 'sha256'): string {
  const algorithm = like.split(':', 1)[0] as string;
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
