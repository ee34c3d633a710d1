// Text with positions: offset → line and column, and file bytes → text without loss. Pure.
import { isUtf8 } from 'node:buffer';
import { Problem } from '../problem.ts';

/**
 * Largest file that tagproof reads, in bytes: far above any manifest, far below what would stall a
 * run.
 */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

type Encoding = 'utf8' | 'utf16le' | 'utf16be';

/** By the byte order mark. Without one it is UTF-8, as YAML and Kubernetes have it. */
function encodingOf(bytes: Buffer): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf16be' : 'utf8';
}

/** True for bytes in which no ASCII word can be searched: UTF-16, UTF-32 and binary data. */
export function isWide(bytes: Buffer): boolean {
  return encodingOf(bytes) !== 'utf8' || bytes.includes(0);
}

/** Text in the encoding of the bytes that it was decoded from. */
export function encodeLike(text: string, before: Buffer): Buffer {
  const encoding = encodingOf(before);
  if (encoding === 'utf8') return Buffer.from(text);
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'utf16le' ? bytes : bytes.swap16();
}

/**
 * Bytes as text, such that the encoded text is the same bytes: a byte order mark stays as U+FEFF.
 * UTF-8, and UTF-16 with a byte order mark, as PowerShell writes it.
 * @throws Problem `encoding` for other bytes, `limit` above MAX_FILE_BYTES
 */
export function decode(bytes: Buffer, file: string): string {
  if (bytes.length > MAX_FILE_BYTES) throw tooLarge(bytes.length, file);
  const encoding = encodingOf(bytes);
  if (encoding !== 'utf8') return decodeUtf16(bytes, encoding, file);
  if (bytes.includes(0))
    throw new Problem(
      'encoding',
      'expected UTF-8 text, got binary data, UTF-32, or UTF-16 without byte order mark; it was left alone',
      { file },
    );
  if (!isUtf8(bytes))
    throw new Problem('encoding', 'expected UTF-8 text, got another encoding; it was left alone', { file });
  return bytes.toString('utf8');
}

function decodeUtf16(bytes: Buffer, encoding: Encoding, file: string): string {
  if (bytes.length % 2 !== 0)
    throw new Problem('encoding', 'expected UTF-16 text, got an odd number of bytes; it was left alone', { file });
  const text = (encoding === 'utf16le' ? bytes : Buffer.from(bytes).swap16()).toString('utf16le');
  // The mark of UTF-32 begins with that of UTF-16; no text has the character zero.
  if (text.includes('\0'))
    throw new Problem('encoding', 'expected UTF-16 text, got binary data or UTF-32; it was left alone', { file });
  return text;
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

/** The line as YAML counts them: a carriage return alone ends one too. */
export function yamlLineAt(text: string, offset: number): { start: number; end: number; next: number } {
  const line = lineAt(text, offset);
  const before = text.slice(line.start, offset);
  const start = line.start + before.lastIndexOf('\r') + 1;
  const alone = text.slice(offset, line.end).indexOf('\r');
  if (alone < 0) return { ...line, start };
  return { start, end: offset + alone, next: offset + alone + 1 };
}
