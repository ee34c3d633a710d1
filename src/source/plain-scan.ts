// The lines and scalars of plain YAML, as bytes: what most manifests are written in. Anything else is refused, not guessed. Pure.

/** Thrown where a text is not plain; a parser of all of YAML reads it then. Made once, because its stack says nothing. */
export const NOT_PLAIN = new Error('not plain YAML');

/** js-yaml's numbers. */
const CHOMPING_MODE = { CLIP: 1, STRIP: 2, KEEP: 3 } as const;

export const KIND = {
  plain: 0,
  single: 1,
  double: 2,
  /** Double quoted with escapes. */
  escaped: 3,
  literal: 4,
  folded: 5,
  empty: 6,
  /** A node that was built. */
  node: 7,
  /** Collections of which nobody reads the content. */
  map: 8,
  flowMap: 9,
  list: 10,
} as const;

export const [NEWLINE, SPACE, HASH, COLON, DASH, COMMA] = [10, 32, 35, 58, 45, 44];
const [QUOTE, APOSTROPHE, BACKSLASH, PIPE, GREATER, DOT, PLUS] = [34, 39, 92, 124, 62, 46, 43];
export const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [91, 93, 123, 125];

/** A byte that stands for a printable character outside of ASCII. */
export const OTHER = 255;

const table = (characters: string, more: readonly number[] = []): Uint8Array => {
  const bytes = new Uint8Array(256);
  for (const byte of [...Buffer.from(characters), ...more]) bytes[byte] = 1;
  return bytes;
};
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** With these a plain scalar may begin. YAML allows a few more. */
const BEGINS = table(`${LETTERS}_./$+~(\\;=^`, [OTHER]);
/** With these it goes on, whatever follows. The rest needs a look at what is around. */
const GOES_ON = table(`${LETTERS}_./$+~()\\;=^-@%&*!?<>|"'\`,[]{}`, [OTHER]);
const GOES_ON_IN_FLOW = table(`${LETTERS}_./$+~()\\;=^-@%&*!?<>|"'\``, [OTHER]);
/** With a backslash before it. */
const ESCAPED = table('"\\/bfnrt');
const PRINTABLE = new Uint8Array(256).fill(1, 32, 127);
PRINTABLE[OTHER] = 1;
const QUOTED = PRINTABLE.slice();
for (const byte of [QUOTE, APOSTROPHE, BACKSLASH]) QUOTED[byte as number] = 0;

/** A cursor over lines. What was read last is in `kind` and `from` to `more`. */
export class PlainScanner {
  bytes: Uint8Array;
  /** There is a line break at this offset, whether or not it is part of the text. */
  end: number;
  at = 0;
  /** Of the content at `at`; -1 after the last line. */
  column = 0;

  kind: number = KIND.empty;
  from = 0;
  to = 0;
  /** Of a block scalar: four times its indentation, and how its end is chomped. */
  more = 0;

  constructor(bytes: Uint8Array, end: number) {
    this.bytes = bytes;
    this.end = end;
  }

  /** From the end of a line to the content of the next one that has any. */
  nextLine(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const start = ++at;
      while (bytes[at] === SPACE) at++;
      const byte = bytes[at];
      if (byte === HASH) at = bytes.indexOf(NEWLINE, at);
      else if (byte !== NEWLINE) {
        this.at = at;
        this.column = at - start;
        return;
      }
    }
    this.at = end;
    this.column = -1;
  }

  /** Past the rest of a line that holds nothing but a comment. */
  lineEnd(at: number): void {
    const { bytes } = this;
    let end = at;
    while (bytes[end] === SPACE) end++;
    if (bytes[end] === HASH && end > at) end = bytes.indexOf(NEWLINE, end);
    else if (bytes[end] !== NEWLINE) throw NOT_PLAIN;
    this.at = end;
  }

  /**
   * A plain scalar on one line.
   * @returns whether it is a key; then `at` is at its colon, else at the end of its line
   */
  plain(start: number): boolean {
    const { bytes } = this;
    if (BEGINS[bytes[start] as number] === 0) {
      if (bytes[start] !== DASH || GOES_ON[bytes[start + 1] as number] === 0) throw NOT_PLAIN;
    } else if (bytes[start] === DOT && bytes[start + 1] === DOT && bytes[start + 2] === DOT) throw NOT_PLAIN; // may end a document
    let at = start + 1;
    for (;;) {
      while (GOES_ON[bytes[at] as number] === 1) at++;
      const byte = bytes[at];
      if (byte === COLON) {
        const next = bytes[at + 1];
        if (next === SPACE || next === NEWLINE) {
          if (bytes[at - 1] === SPACE || at - start > 1000) throw NOT_PLAIN;
          this.set(KIND.plain, start, at);
          this.at = at;
          return true;
        }
        at++;
      } else if (byte === SPACE) {
        if (bytes[at + 1] === HASH) break;
        at++;
      } else if (byte === HASH) at++;
      else if (byte === NEWLINE) break;
      else throw NOT_PLAIN;
    }
    let end = at;
    while (bytes[end - 1] === SPACE) end--;
    this.set(KIND.plain, start, end);
    this.at = bytes[at] === NEWLINE ? at : bytes.indexOf(NEWLINE, at);
    return false;
  }

  /** A plain scalar in a flow collection; `at` is then at the byte after it. */
  plainInFlow(start: number): void {
    const { bytes } = this;
    if (BEGINS[bytes[start] as number] === 0) {
      if (bytes[start] !== DASH || GOES_ON_IN_FLOW[bytes[start + 1] as number] === 0) throw NOT_PLAIN;
    }
    let at = start + 1;
    for (;;) {
      while (GOES_ON_IN_FLOW[bytes[at] as number] === 1) at++;
      const byte = bytes[at] as number;
      if (byte === COLON) {
        if (GOES_ON_IN_FLOW[bytes[at + 1] as number] === 0) break;
        at++;
      } else if (byte === SPACE) {
        if (bytes[at + 1] === HASH) throw NOT_PLAIN;
        at++;
      } else break;
    }
    let end = at;
    while (bytes[end - 1] === SPACE) end--;
    this.set(KIND.plain, start, end);
    this.at = at;
  }

  /** A quoted scalar on one line; `at` is then at the byte after it. */
  quoted(start: number): void {
    const { bytes } = this;
    const quote = bytes[start];
    let kind: number = quote === QUOTE ? KIND.double : KIND.single;
    let at = start + 1;
    for (;;) {
      while (QUOTED[bytes[at] as number] === 1) at++;
      const byte = bytes[at];
      if (byte === quote) break;
      if (byte === BACKSLASH && quote === QUOTE) {
        if (ESCAPED[bytes[at + 1] as number] === 0) throw NOT_PLAIN;
        kind = KIND.escaped;
        at += 2;
      } else if (byte === BACKSLASH || byte === APOSTROPHE || byte === QUOTE) at++;
      else throw NOT_PLAIN;
    }
    if (bytes[at + 1] === APOSTROPHE) throw NOT_PLAIN;
    this.set(kind, start + 1, at);
    this.at = at + 1;
  }

  /** A block scalar from its `|` or `>`; `at` is then at the end of its last line. */
  block(start: number, parent: number): void {
    const { bytes, end } = this;
    const kind = bytes[start] === PIPE ? KIND.literal : KIND.folded;
    const sign = bytes[start + 1];
    const chomping = sign === PLUS ? CHOMPING_MODE.KEEP : sign === DASH ? CHOMPING_MODE.STRIP : CHOMPING_MODE.CLIP;
    this.lineEnd(chomping === CHOMPING_MODE.CLIP ? start + 1 : start + 2);
    const from = this.at + 1;
    let at = from;
    let last = this.at;
    let indent = -1;
    let blank = 0;
    while (at < end) {
      let first = at;
      while (bytes[first] === SPACE) first++;
      if (bytes[first] === NEWLINE) {
        if (first >= end && first > at) throw NOT_PLAIN; // white space at the end of the text
        blank = Math.max(blank, first - at);
        last = first;
      } else {
        const column = first - at;
        if (indent < 0) {
          if (column <= parent || blank > column) throw NOT_PLAIN;
          indent = column;
        } else if (column < indent) break;
        while (PRINTABLE[bytes[first] as number] === 1) first++;
        if (bytes[first] !== NEWLINE) throw NOT_PLAIN;
        last = first;
      }
      at = last + 1;
    }
    if (indent < 0) throw NOT_PLAIN;
    this.set(kind, from, Math.min(at, end));
    this.more = indent * 4 + chomping;
    this.at = last;
  }

  set(kind: number, from: number, to: number): void {
    this.kind = kind;
    this.from = from;
    this.to = to;
  }

  /** True for the quotation marks. */
  isQuote(byte: number | undefined): boolean {
    return byte === QUOTE || byte === APOSTROPHE;
  }

  isBlock(byte: number | undefined): boolean {
    return byte === PIPE || byte === GREATER;
  }
}
