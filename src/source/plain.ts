// Plain YAML as trees of nodes: the trees that js-yaml's events give, in a fraction of the time. What no search for images looks at is
// read as strictly as the rest, and left out of the tree where only images are wanted.
import { isHot, mayBeHot } from './hot-keys.ts';
import { PlainRecords } from './plain-records.ts';
import {
  CLOSE_LIST,
  CLOSE_MAP,
  COLON,
  COMMA,
  DASH,
  HASH,
  KIND,
  NEWLINE,
  NOT_PLAIN,
  OPEN_LIST,
  OPEN_MAP,
  PlainScanner,
  SPACE,
} from './plain-scan.ts';
import type { DecodeScalar, Node } from './yaml-node.ts';

/** Far below the depth at which js-yaml gives up. */
const MAX_DEPTH = 40;

/** Where documents are put to be read as bytes. Grows with the largest one. */
let scratch: Buffer = Buffer.allocUnsafeSlow(256 * 1024);
/** One byte stands for each of these characters, so that offsets of bytes are offsets of the text. */
const OUTSIDE_ASCII = /[\u00a1-\u1fff\u2010-\u2027\u2030-\ud7ff\ue000-\ufefe]|[\ud800-\udbff][\udc00-\udfff]/g;

/**
 * @param text one document
 * @param base its offset in the file, to which offsets in the tree are relative
 * @param imagesOnly leaves out of collections what no search for images reads
 * @returns 'other' for what is not plain, or not valid: then nothing is known about it
 */
export function parsePlain(
  text: string,
  base: number,
  imagesOnly: boolean,
  decode: DecodeScalar | undefined,
): Node | 'other' {
  if (text.includes('\r') || text.includes('\0')) return 'other';
  if (scratch.length < text.length + 8) scratch = Buffer.allocUnsafeSlow(text.length + 64 * 1024);
  if (scratch.write(text, 0, 'utf8') !== text.length) {
    const narrow = text.replace(OUTSIDE_ASCII, (character) => '\u00ff'.repeat(character.length));
    if (/[^\0-\x7f\xff]/.test(narrow)) return 'other';
    scratch.write(narrow, 0, 'latin1');
  }
  scratch[text.length] = NEWLINE;
  try {
    return new PlainReader(text, new PlainRecords(text, base, decode), imagesOnly).root();
  } catch (error) {
    if (error === NOT_PLAIN) return 'other';
    throw error;
  }
}

class PlainReader extends PlainScanner {
  readonly #text: string;
  readonly #records: PlainRecords;
  #depth = 0;
  /** Above 0 all collections are kept. */
  #whole: number;
  /** Where the last key was that a search for images reads. */
  #hotAt = -1;

  constructor(text: string, records: PlainRecords, imagesOnly: boolean) {
    super(scratch, text.length);
    this.#text = text;
    this.#records = records;
    this.#whole = imagesOnly ? 0 : 1;
  }

  root(): Node {
    const { bytes } = this;
    this.at = -1;
    this.nextLine();
    if (this.column === 0 && bytes[this.at] === DASH && bytes[this.at + 1] === DASH && bytes[this.at + 2] === DASH) {
      this.lineEnd(this.at + 3);
      this.nextLine();
    }
    if (this.column !== 0) throw NOT_PLAIN;
    this.#block(true);
    if (this.column >= 0 || this.kind !== KIND.node) throw NOT_PLAIN;
    return this.#records.made(this.from);
  }

  /** A collection that begins at the cursor, on a line of its own. */
  #block(kept: boolean): void {
    if (this.#isDash(this.at)) this.#list(this.column, kept);
    else this.#map(this.column, kept);
  }

  #isDash(at: number): boolean {
    const next = this.bytes[at + 1];
    return this.bytes[at] === DASH && (next === SPACE || next === NEWLINE);
  }

  /** A block mapping from its first key at the cursor; the cursor is then at the content after it. */
  #map(column: number, kept: boolean): void {
    const { bytes } = this;
    const start = this.at;
    const bottom = this.#records.top;
    if (++this.#depth > MAX_DEPTH) throw NOT_PLAIN;
    for (;;) {
      if (this.isQuote(bytes[this.at])) this.quoted(this.at);
      else if (!this.plain(this.at)) throw NOT_PLAIN;
      const { from, to, kind } = this;
      const next = bytes[this.at + 1];
      if (bytes[this.at] !== COLON || (next !== SPACE && next !== NEWLINE) || to - from > 1000) throw NOT_PLAIN;
      const hot = this.#key(kind, from, to);
      if (hot) this.#whole++;
      this.#value(this.at + 1, column, true, to - from === 8 && this.#text.startsWith('metadata', from));
      if (hot) this.#whole--;
      this.#push();
      if (this.column !== column) {
        if (this.column > column) throw NOT_PLAIN;
        break;
      }
    }
    this.#closeMap(start, bottom, false, kept);
  }

  /** A block sequence from its first dash at the cursor. */
  #list(column: number, kept: boolean): void {
    const { bytes } = this;
    const start = this.at;
    const bottom = this.#records.top;
    if (++this.#depth > MAX_DEPTH) throw NOT_PLAIN;
    for (;;) {
      let at = this.at + 1;
      while (bytes[at] === SPACE) at++;
      if (bytes[at] === NEWLINE || bytes[at] === HASH) {
        this.#value(this.at + 1, column, false, false);
        if (this.kind === KIND.empty) this.set(KIND.empty, start, start);
      } else this.#item(at, column);
      this.#push();
      if (this.column !== column || !this.#isDash(this.at)) {
        if (this.column > column) throw NOT_PLAIN;
        break;
      }
    }
    this.#closeList(start, bottom, kept);
  }

  /** The item of a sequence that begins on the line of its dash. */
  #item(at: number, parent: number): void {
    const { bytes } = this;
    const column = parent + at - this.at;
    const byte = bytes[at];
    if (this.isQuote(byte)) {
      this.quoted(at);
      if (bytes[this.at] !== COLON) return this.#endOfScalar();
    } else if (this.isBlock(byte) || byte === OPEN_LIST || byte === OPEN_MAP) {
      return this.#value(at, parent, false, false);
    } else if (!this.#isDash(at) && !this.plain(at)) return this.nextLine();
    this.at = at;
    this.column = column;
    this.#block(false);
  }

  #endOfScalar(): void {
    this.lineEnd(this.at);
    this.nextLine();
  }

  /**
   * The value after a colon or a dash.
   * @param parent column of the key or dash
   * @param inMap a sequence may begin in the column of its key
   */
  #value(after: number, parent: number, inMap: boolean, kept: boolean): void {
    const { bytes } = this;
    let at = after;
    while (bytes[at] === SPACE) at++;
    const byte = bytes[at];
    if (byte === NEWLINE || byte === HASH) {
      this.at = at;
      if (byte === HASH) this.lineEnd(after);
      this.nextLine();
      if (this.column > parent || (inMap && this.column === parent && this.#isDash(this.at))) return this.#block(kept);
      this.set(KIND.empty, after, after);
    } else if (this.isQuote(byte)) {
      this.quoted(at);
      if (this.kind === KIND.escaped || bytes[at + 1] === OPEN_MAP || bytes[at + 1] === OPEN_LIST) this.#mayHide(at);
      this.#endOfScalar();
    } else if (byte === OPEN_MAP || byte === OPEN_LIST) {
      this.#flow(at, kept);
      this.#endOfScalar();
    } else if (this.isBlock(byte)) {
      this.block(at, parent);
      this.#mayHide(at);
      this.nextLine();
    } else {
      if (this.plain(at)) throw NOT_PLAIN;
      this.nextLine();
    }
  }

  /** The text that was read last may be a document with images. */
  #mayHide(at: number): void {
    if (/image/i.test(this.#text.slice(this.from, this.to))) this.#hotAt = at;
  }

  /** A flow collection on one line; `at` is then at the byte after it. */
  #flow(start: number, kept: boolean): void {
    const { bytes } = this;
    const isMap = bytes[start] === OPEN_MAP;
    const close = isMap ? CLOSE_MAP : CLOSE_LIST;
    const bottom = this.#records.top;
    if (++this.#depth > MAX_DEPTH) throw NOT_PLAIN;
    let at = this.#skip(start + 1);
    let more = bytes[at] !== close;
    while (more) {
      let hot = false;
      if (isMap) {
        if (this.isQuote(bytes[at])) this.quoted(at);
        else this.plainInFlow(at);
        const { kind, from, to } = this;
        at = this.#skip(this.at);
        if (bytes[at] !== COLON || bytes[at + 1] !== SPACE) throw NOT_PLAIN;
        hot = this.#key(kind, from, to);
        at = this.#skip(at + 1);
      }
      if (hot) this.#whole++;
      const byte = bytes[at];
      if (byte === OPEN_MAP || byte === OPEN_LIST) this.#flow(at, false);
      else if (this.isQuote(byte)) this.quoted(at);
      else this.plainInFlow(at);
      if (hot) this.#whole--;
      this.#push();
      at = this.#skip(this.at);
      more = bytes[at] === COMMA;
      if (more) at = this.#skip(at + 1);
      else if (bytes[at] !== close) throw NOT_PLAIN;
    }
    if (isMap) this.#closeMap(start, bottom, true, kept);
    else this.#closeList(start, bottom, kept);
    this.at = at + 1;
  }

  #skip(from: number): number {
    let at = from;
    while (this.bytes[at] === SPACE) at++;
    return at;
  }

  /** Records a key. @returns whether a search for images reads what it holds */
  #key(kind: number, from: number, to: number): boolean {
    this.#records.key(kind, from, to);
    if (!mayBeHot(this.bytes, from, to) || !isHot(this.#text.slice(from, to))) return false;
    this.#hotAt = from;
    return true;
  }

  /** Records what was read last as a value. */
  #push(): void {
    this.#records.value(this.kind, this.from, this.to, this.more);
  }

  #closeMap(start: number, bottom: number, flow: boolean, kept: boolean): void {
    this.#depth--;
    const keep = kept || this.#whole > 0 || this.#hotAt >= start;
    if (keep) this.set(KIND.node, this.#records.map(start, bottom, flow), 0);
    else this.set(flow ? KIND.flowMap : KIND.map, start, start);
    this.#records.top = bottom;
  }

  #closeList(start: number, bottom: number, kept: boolean): void {
    this.#depth--;
    const keep = kept || this.#whole > 0 || this.#hotAt >= start;
    if (keep) this.set(KIND.node, this.#records.list(start, bottom), 0);
    else this.set(KIND.list, start, start);
    this.#records.top = bottom;
  }
}
