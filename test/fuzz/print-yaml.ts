// Values → YAML in any style that the language has: quoting, folding, indentation, flow, anchors, tags, comments.
import type { Random } from './random.ts';

export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

const PLAIN = /^[A-Za-z0-9_./][\w./@+-]*(?::[\w./@+-]+)*$/;
/** Words and numbers that a reader takes for something else than text. */
const NO_TEXT = /^(?:true|false|yes|no|on|off|null|y|n|~|[-+.\d][\d_.e+-]*|0x[\da-f]+|\d+(?::\d+)*)$/i;

/** Prints one document; the same choices print the same text. Lines end with LF. */
export class YamlPrinter {
  readonly #random: Random;
  /** In one of how many places a style is unusual. */
  readonly #rarely: number;
  readonly #anchors = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
    this.#rarely = random.pick([2, 4, 8, 20, 1000]);
  }

  print(value: Value): string {
    const block = this.#block(value, 0);
    return block ?? `${this.#flow(value, 1)}\n`;
  }

  #odd(of = 1): boolean {
    return this.#random.once(this.#rarely * of);
  }

  /** A collection as lines at this column; undefined for what is written in a line. */
  #block(value: Value, column: number): string | undefined {
    if (value === null || typeof value !== 'object' || Object.keys(value).length === 0) return undefined;
    const pad = ' '.repeat(column);
    const isList = Array.isArray(value);
    let lines = '';
    for (const [key, item] of Object.entries(value) as [string, Value][]) {
      if (this.#odd(3)) lines += this.#random.pick(['\n', `${pad}# image: comment:1\n`, '# at the margin\n']);
      if (isList) lines += `${pad}-${this.#after(item, column, true)}`;
      else if (this.#odd(12)) lines += `${pad}? ${this.#key(key)}\n${pad}:${this.#after(item, column, false)}`;
      else lines += `${pad}${this.#key(key)}${this.#odd(4) ? ' ' : ''}:${this.#after(item, column, false)}`;
    }
    return lines;
  }

  /** What follows `key:` or `-`, with the end of its last line. */
  #after(value: Value, column: number, inList: boolean): string {
    const known = this.#alias(value);
    if (known !== undefined) return ` ${known}\n`;
    const step = this.#odd() ? 1 + this.#random.below(6) : 2;
    const anchor = this.#anchor(value);
    if (this.#odd(2) || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
      return `${anchor} ${this.#flow(value, column + 1, anchor !== '')}${this.#comment()}\n`;
    if (typeof value === 'string') return `${anchor}${this.#scalar(value, column)}`;
    if (inList && anchor === '') {
      const block = this.#block(value, column + Math.max(step, 2));
      // A mapping or list begins on the line of its dash.
      if (block !== undefined && !/^\s*(?:#|\n)/.test(block)) return block.replace(new RegExp(`^ {${column + 1}}`), '');
      if (block !== undefined) return `\n${block}`;
    }
    const sameColumn = !inList && Array.isArray(value) && this.#random.once(2);
    const block = this.#block(value, sameColumn ? column : column + step);
    if (block !== undefined) return `${anchor}${this.#comment()}\n${block}`;
    return `${anchor} ${this.#word(value)}${this.#comment()}\n`;
  }

  #comment(): string {
    return this.#odd() ? this.#random.pick([' # why', '  # image: x:1', '\t# tab', ' ', ' #']) : '';
  }

  #alias(value: Value): string | undefined {
    const name = this.#anchors.get(JSON.stringify(value));
    return name !== undefined && this.#random.once(2) ? `*${name}` : undefined;
  }

  #anchor(value: Value): string {
    const tag = this.#odd(8) && typeof value === 'string' ? ` ${this.#random.pick(['!!str', '!', '!x'])}` : '';
    if (!this.#odd(2)) return tag;
    const name = `${this.#random.pick(['a', 'image', 'x-1'])}${this.#anchors.size}`;
    this.#anchors.set(JSON.stringify(value), name);
    return this.#random.once(2) ? `${tag} &${name}` : ` &${name}${tag}`;
  }

  #key(key: string): string {
    if (/^[\w./-]+$/.test(key) && !NO_TEXT.test(key) && !this.#odd(2)) return key;
    return key === '<<' ? key : this.#random.once(2) ? `'${key.replaceAll("'", "''")}'` : this.#double(key);
  }

  /** A scalar behind `key:` in any style, with the end of its line. */
  #scalar(value: string, column: number): string {
    if (value.includes('\n') || this.#odd(2)) {
      const block = this.#blockScalar(value, column);
      if (block !== undefined) return block;
    }
    const text = this.#word(value);
    // The value may begin on the next line.
    const start = this.#odd(4) ? `\n${' '.repeat(column + 1 + this.#random.below(4))}` : this.#odd(3) ? '   ' : ' ';
    return `${start}${text}${this.#comment()}\n`;
  }

  #blockScalar(value: string, column: number): string | undefined {
    if (value === '' || /[\r\x85\u2028\u2029\uFEFF]/.test(value) || /^\n*$/.test(value)) return undefined;
    const body = value.replace(/\n+$/, '');
    const ends = value.length - body.length;
    const folded = !body.includes('\n') && this.#odd();
    const step = 1 + this.#random.below(this.#odd() ? 8 : 3);
    const explicit = /^\n*[ \t]/.test(value) || this.#odd();
    const chomp = ends === 0 ? '-' : ends === 1 ? (this.#odd(3) && !value.endsWith('\n\n') ? '+' : '') : '+';
    const indicator = explicit ? String(step) : '';
    const marks = this.#random.once(2) ? `${indicator}${chomp}` : `${chomp}${indicator}`;
    const pad = ' '.repeat(column + step);
    const lines = body.split('\n').map((line) => (line === '' && !this.#odd() ? '' : `${pad}${line}`));
    const tail = '\n'.repeat(Math.max(0, ends - 1));
    return ` ${folded ? '>' : '|'}${marks}${this.#odd(2) ? ' # note' : ''}\n${lines.join('\n')}\n${tail}`;
  }

  /** A scalar within a line. */
  #word(value: Value): string {
    if (typeof value !== 'string') return JSON.stringify(value);
    const plain = PLAIN.test(value) && !NO_TEXT.test(value);
    if (plain && !this.#odd()) return value;
    return /[\n\r\t\x85]/.test(value) || this.#random.once(2)
      ? this.#double(value)
      : `'${value.replaceAll("'", "''")}'`;
  }

  /** In double quotes, with escapes and line continuations where nobody needs them. */
  #double(value: string): string {
    if (!this.#odd(3)) return JSON.stringify(value);
    const written = (char: string) => {
      const code = char.charCodeAt(0).toString(16);
      if (/[\w:]/.test(char) && this.#random.once(6))
        return this.#random.pick([
          `\\x${code.padStart(2, '0')}`,
          `\\u${code.padStart(4, '0')}`,
          `\\U${code.padStart(8, '0')}`,
        ]);
      return char === '/' && this.#random.once(4) ? '\\/' : JSON.stringify(char).slice(1, -1);
    };
    return `"${[...value].map(written).join('')}"`;
  }

  /**
   * Any value in flow style; a collection may spread over lines, all of them beyond `column`.
   * @param anchored no alias may follow
   */
  #flow(value: Value, column: number, anchored = false): string {
    if (value === null || typeof value !== 'object') return this.#flowWord(value, anchored);
    const gap = () => (this.#odd(2) ? `\n${' '.repeat(column + this.#random.below(3))}` : this.#random.pick(['', ' ']));
    const items = Object.entries(value).map(([key, item]: [string, Value]) => {
      const text = this.#flow(item, column + 1);
      if (Array.isArray(value)) return text;
      return this.#odd(4) ? `"${key}":${text}` : `${this.#key(key)}: ${text}`;
    });
    const comma = this.#odd(4) && items.length > 0 ? ',' : '';
    const body = items.map((item) => `${gap()}${item}`).join(',');
    return Array.isArray(value) ? `[${body}${comma}${gap()}]` : `{${body}${comma}${gap()}}`;
  }

  /** Brackets and commas end a plain word here. */
  #flowWord(value: Value, anchored: boolean): string {
    const known = anchored ? undefined : this.#alias(value);
    if (known !== undefined) return `${known} `;
    const text = this.#word(value);
    return /^[^"'][^"']*[[\],{}]/.test(text) ? JSON.stringify(value) : text;
  }
}
