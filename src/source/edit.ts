// Edits: write digests into a text and take them out, and prove that no other byte changed. Pure.
import type { Edit, Found } from '../flow.ts';
import { Problem } from '../problem.ts';

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
