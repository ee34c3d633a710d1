// What pin leaves in tagproof.lock.
import { existsSync, writeFileSync } from 'node:fs';
import type { Found, Resolution } from '../../flow.ts';
import { printReference, tagKey, withoutDigest } from '../../image/reference.ts';
import type { Lock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { replaceFile } from '../../source/edit.ts';
import type { Verified } from './pin-verify.ts';

/** Takes new answers and new evidence into the lock; the first sight of a digest is kept. @returns how many are new */
export function remember(
  lock: Lock,
  targets: readonly Found[],
  answers: ReadonlyMap<string, Resolution>,
  evidence: Verified['evidence'] = new Map(),
): number {
  let learned = 0;
  for (const found of targets) {
    const name = printReference(withoutDigest(found.reference));
    const answer = answers.get(name);
    if (answer === undefined || answer instanceof Problem) continue;
    const key = tagKey(found.reference);
    const before = lock.get(key);
    const same = before?.digest === answer.digest ? before : undefined;
    const verified = evidence.get(name) ?? same?.verified;
    if (same !== undefined && JSON.stringify(verified) === JSON.stringify(same.verified)) continue;
    const { digest, mediaType, platforms, at, mirror } = answer;
    const fresh = {
      digest,
      mediaType,
      platforms: platforms && [...platforms],
      firstSeen: at,
      source: mirror ?? answer.from,
    };
    lock.set(key, { ...(same ?? fresh), ...(verified !== undefined && { verified }) });
    learned++;
  }
  return learned;
}

export function writeLock(file: string, text: string, before: Buffer | undefined): void {
  if (before !== undefined) return replaceFile(file, before, text, process.cwd());
  if (existsSync(file)) throw new Problem('changed', 'the lock appeared while tagproof worked; run again', { file });
  writeFileSync(file, text, { flag: 'wx' });
}
