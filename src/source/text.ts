// Text with positions: offset → line and column, and file bytes → text without loss. Pure.
import { isUtf8 } from 'node:buffer';
import { Problem } from '../problem.ts';

/**
 * Largest file that tagproof reads, in bytes: far above any manifest, far below what would stall a
 * run.
 */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Bytes as text, such that the encoded text is the same bytes: a byte order mark stays as U+FEFF.
 * @throws Problem `encoding` for other bytes than UTF-8, `limit` above MAX_FILE_BYTES
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

/**
 * Gives line and column (from 1) of offsets in one text. Lines are counted only up to the offsets
 * that are asked for.
 */
export function positions(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  let counted = 0;
  return (offset) => {
    while (counted >= 0 && counted <= offset) {
      const newline = text.indexOf('\n', counted);
      counted = newline < 0 ? -1 : newline + 1;
      if (counted > 0) starts.push(counted);
    }
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

/**
 * The line of this offset: its start, the end of its content (without CR and LF), and the start of
 * the next line.
 */
export function lineAt(text: string, offset: number): { start: number; end: number; next: number } {
  // lastIndexOf takes a negative position for 0, and would find the line break at the offset itself.
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const newline = text.indexOf('\n', offset);
  const next = newline < 0 ? text.length : newline + 1;
  let end = newline < 0 ? text.length : newline;
  if (text[end - 1] === '\r' && end > start) end--;
  return { start, end, next };
}
