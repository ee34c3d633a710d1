// What an edit does to a pattern that another tool searches the same text with: it no longer finds the line, or reads
// another version there.
import { runInNewContext } from 'node:vm';
import type { Edit } from '../../flow.ts';

export type Effect = 'blind' | 'misread';
export type Affected = { readonly edit: Edit; readonly effect: Effect };
type Match = { readonly start: number; readonly end: number; readonly value: string | undefined };

/** The pattern comes from the repository, and only another context can end one that never comes to an end. */
const TIMEOUT_MS = 500;
const SEARCH =
  '[...text.matchAll(new RegExp(pattern, flags))].map((m) => ({ start: m.index, end: m.index + m[0].length, value: m.groups?.currentValue }))';

/** @returns undefined for what is no pattern, and for one that takes too long */
function search(text: string, pattern: string, flags: string): Match[] | undefined {
  try {
    return JSON.parse(runInNewContext(`JSON.stringify(${SEARCH})`, { text, pattern, flags }, { timeout: TIMEOUT_MS }));
  } catch {
    return undefined;
  }
}

/** Whether the pattern, in which the same is possible, is found in a short text. */
export function isFoundIn(text: string, pattern: string, flags: string): boolean {
  try {
    return runInNewContext('new RegExp(pattern, flags).test(text)', { text, pattern, flags }, { timeout: TIMEOUT_MS });
  } catch {
    return false;
  }
}

/** @param edits those that make `after` of `before` */
export function effectOf(pattern: string, before: string, after: string, edits: readonly Edit[]): Affected[] {
  // Whether ^ and $ are ends of lines depends on the version of the tool: as whichever finds anything.
  for (const flags of ['g', 'gm']) {
    const matches = search(before, pattern, flags);
    if (matches === undefined) return [];
    if (matches.length > 0) return compare(matches, search(after, pattern, flags), edits);
  }
  return [];
}

function compare(matches: readonly Match[], now: readonly Match[] | undefined, edits: readonly Edit[]): Affected[] {
  if (now === undefined) return [];
  const byStart = new Map(now.map((match) => [match.start, match]));
  return matches.flatMap((match): Affected[] => {
    const edit = edits.find(({ start }) => start >= match.start && start <= match.end);
    if (edit === undefined) return [];
    const moved = edits.filter(({ end }) => end <= match.start);
    const shift = moved.reduce((sum, { start, end, text }) => sum + text.length - (end - start), 0);
    const same = byStart.get(match.start + shift);
    if (same === undefined) return [{ edit, effect: 'blind' }];
    return same.value === match.value ? [] : [{ edit, effect: 'misread' }];
  });
}
