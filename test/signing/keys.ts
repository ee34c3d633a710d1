// Keys and hashes for tests.
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';

export const DAY = 86_400_000;
export const MINUTE = 60_000;

export const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });
