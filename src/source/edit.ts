// Edits: write digests into a text and take them out, prove that no other byte changed, and replace
// the file atomically.
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Edit, Found } from '../flow.ts';
import { asProblem, Problem } from '../problem.ts';

/**
 * The edit that writes the digest at this place; undefined when it is there already.
 * @throws Problem where it cannot be
 */
export function pinEdit(found: Found, digest: string): Edit | undefined {
  const { slot } = found;
  const written = slot.style === 'hex' ? digest.slice(digest.indexOf(':') + 1) : digest;
  if (slot.digest) {
    return found.reference.digest === digest
      ? undefined
      : { start: slot.digest[0], end: slot.digest[1], text: written };
  }
  if (slot.pin) return { start: slot.pin.at, end: slot.pin.at, text: slot.pin.before + written + slot.pin.after };
  throw new Problem('refused', `cannot be pinned here: ${slot.blocked ?? 'no place for a digest'}`, {
    file: found.file,
    line: found.line,
    column: found.column,
    image: found.reference.text,
  });
}

/**
 * The exact inverse of pinEdit; undefined where there is no digest, or where the field would be
 * invalid without it.
 */
export function unpinEdit(found: Found): Edit | undefined {
  const range = found.slot.unpin;
  return range === undefined ? undefined : { start: range[0], end: range[1], text: '' };
}

/**
 * Applies edits and checks the result: undoing them must give the same text, so no byte outside the
 * edits has changed.
 * @throws Problem `conflict` when two edits overlap
 */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const parts: string[] = [];
  let at = 0;
  for (const edit of sorted) {
    if (edit.start < at || edit.end < edit.start || edit.end > text.length) {
      throw new Problem('conflict', `two edits touch the same text at offset ${edit.start}; nothing was changed`);
    }
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  const result = parts.join('') + text.slice(at);
  if (!isInverse(text, result, sorted))
    throw new Problem('conflict', 'self-check failed: bytes outside the edits would change; nothing was changed');
  return result;
}

function isInverse(before: string, after: string, sorted: readonly Edit[]): boolean {
  let old = 0;
  let now = 0;
  for (const edit of sorted) {
    const unchanged = edit.start - old;
    if (before.slice(old, edit.start) !== after.slice(now, now + unchanged)) return false;
    now += unchanged;
    if (after.slice(now, now + edit.text.length) !== edit.text) return false;
    now += edit.text.length;
    old = edit.end;
  }
  return before.slice(old) === after.slice(now);
}

/**
 * Replaces a file by rename, with its mode and owner kept; readers see the old bytes or the new
 * ones, never a mix.
 * @param before the bytes that the new text was made from; when the file no longer holds them,
 * nothing is written
 * @param root a symbolic link is followed only to a target below this folder
 */
export function replaceFile(file: string, before: Buffer, after: string, root: string): void {
  let temporary: string | undefined;
  try {
    const target = writable(file, root);
    const { mode, uid, gid } = statSync(target);
    temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tagproof`);
    const descriptor = openSync(temporary, 'wx', mode & 0o777);
    try {
      writeAll(descriptor, Buffer.from(after));
      fchmodSync(descriptor, mode & 0o7777);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (process.getuid?.() === 0) chownSync(temporary, uid, gid);
    if (!readFileSync(target).equals(before)) {
      throw new Problem('changed', 'the file changed while tagproof worked on it; run again', { file });
    }
    renameSync(temporary, target);
    temporary = undefined;
  } catch (error) {
    throw asProblem(error, 'file', { file });
  } finally {
    if (temporary !== undefined) rmSync(temporary, { force: true });
  }
}

function writable(file: string, root: string): string {
  if (!lstatSync(file).isSymbolicLink()) return file;
  const target = realpathSync(file);
  const path = relative(realpathSync(root), target);
  if (path === '..' || path.startsWith(`..${sep}`)) {
    throw new Problem('refused', `a symbolic link that leaves ${root}: name its target to change it`, { file });
  }
  return target;
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}
