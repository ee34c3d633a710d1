// Text with positions: offset → line and column, and file bytes → text without loss.
import { isUtf8 } from 'node:buffer';
import { Problem } from '../problem.ts';

/** Largest file that is read, in bytes; far above any manifest, far below what would stall a run. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Bytes as text, such that encoding the text gives the same bytes: a byte order mark stays as U+FEFF.
 * @throws Problem `encoding` where that is impossible, `limit` above MAX_FILE_BYTES
 */
export function decode(bytes: Buffer, file: string): string {
  if (bytes.length > MAX_FILE_BYTES) throw tooLarge(bytes.length, file);
  if (bytes.includes(0))
    throw new Problem('encoding', 'expected UTF-8 text, got binary data or UTF-16; it was left alone', { file });
  if (!isUtf8(bytes))
    throw new Problem('encoding', 'expected UTF-8 text, got another encoding; it was left alone', { file });
  return bytes.toString('utf8');
}

export function tooLarge(bytes: number, file: string): Problem {
  const mib = (size: number) => Math.ceil(size / 1024 / 1024);
  return new Problem(
    'limit',
    `the file has ${mib(bytes)} MiB, tagproof reads up to ${mib(MAX_FILE_BYTES)} MiB; exclude or split it`,
    {
      file,
    },
  );
}

/** Answers line and column (from 1) for offsets into one text; the index is built on the first question. */
export function positions(text: string): (offset: number) => { line: number; column: number } {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= lineStarts(text);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line that holds this offset: its start, the end of its content (no CR, no LF), and the start of the next. */
export function lineAt(text: string, offset: number): { start: number; end: number; next: number } {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const newline = text.indexOf('\n', offset);
  const next = newline < 0 ? text.length : newline + 1;
  let end = newline < 0 ? text.length : newline;
  if (text[end - 1] === '\r' && end > start) end--;
  return { start, end, next };
}
