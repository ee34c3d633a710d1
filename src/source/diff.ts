// A unified diff of one file, made from the edits themselves: exact, and linear in the size of the
// file.
import type { Edit } from '../flow.ts';
import { applyEdits } from './edit.ts';
import { lineAt } from './text.ts';

const CONTEXT = 3;

/** Whole lines [start, end) of the old text, and the text that replaces them. */
type Change = { start: number; end: number; text: string };

/**
 * @param file path as git would print it, without a leading a/
 * @returns '' when there are no edits
 */
export function unifiedDiff(file: string, text: string, edits: readonly Edit[]): string {
  const changes = wholeLines(text, edits);
  if (changes.length === 0) return '';
  const old = splitLines(text);
  const numberOf = lineNumbers(text);
  let out = `--- a/${file}\n+++ b/${file}\n`;
  let drift = 0;
  for (let i = 0; i < changes.length; ) {
    let last = i;
    const firstLine = numberOf((changes[i] as Change).start);
    let lastLine = numberOf((changes[i] as Change).end);
    while (last + 1 < changes.length && numberOf((changes[last + 1] as Change).start) - lastLine <= 2 * CONTEXT) {
      lastLine = numberOf((changes[++last] as Change).end);
    }
    const from = Math.max(0, firstLine - CONTEXT);
    const to = Math.min(old.length, lastLine + CONTEXT);
    const lines: string[] = [];
    let at = from;
    let added = 0;
    for (const change of changes.slice(i, last + 1)) {
      for (; at < numberOf(change.start); at++) lines.push(` ${old[at]}`);
      for (; at < numberOf(change.end); at++) lines.push(`-${old[at]}`);
      for (const line of splitLines(change.text)) {
        lines.push(`+${line}`);
        added++;
      }
    }
    const removed = changes
      .slice(i, last + 1)
      .reduce((sum, change) => sum + numberOf(change.end) - numberOf(change.start), 0);
    for (; at < to; at++) lines.push(` ${old[at]}`);
    const count = to - from;
    out += `@@ -${range(from, count)} +${range(from + drift, count - removed + added)} @@\n${lines.map(terminate).join('')}`;
    drift += added - removed;
    i = last + 1;
  }
  return out;
}

function wholeLines(text: string, edits: readonly Edit[]): Change[] {
  const changes: { start: number; end: number; edits: Edit[] }[] = [];
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    const startsLine = edit.start === 0 || text[edit.start - 1] === '\n';
    // An edit that inserts or removes a whole line changes no other line.
    const whole = startsLine && (edit.text === '' ? text[edit.end - 1] === '\n' : edit.text.endsWith('\n'));
    const start = lineAt(text, edit.start).start;
    const end = whole ? edit.end : lineAt(text, edit.end).next;
    const before = changes.at(-1);
    if (before !== undefined && start < before.end) {
      before.end = Math.max(before.end, end);
      before.edits.push(edit);
    } else changes.push({ start, end, edits: [edit] });
  }
  return changes.map(({ start, end, edits }) => {
    const shifted = edits.map((edit) => ({ start: edit.start - start, end: edit.end - start, text: edit.text }));
    return { start, end, text: applyEdits(text.slice(start, end), shifted) };
  });
}

/** Lines with their line ends. The last line may have none. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * Index from 0 of the line that starts at an offset. The end of the text counts as one more line.
 */
function lineNumbers(text: string): (offset: number) => number {
  const starts = new Map<number, number>();
  let offset = 0;
  let line = 0;
  for (const content of splitLines(text)) {
    starts.set(offset, line++);
    offset += content.length;
  }
  return (wanted) => starts.get(wanted) ?? line;
}

function range(from: number, count: number): string {
  // An empty range names the line before it (POSIX diff, unified format).
  const start = count === 0 ? from : from + 1;
  return count === 1 ? `${start}` : `${start},${count}`;
}

function terminate(line: string): string {
  return line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`;
}
