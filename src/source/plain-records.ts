// What a reader of plain YAML has read of the collections that are open, as numbers; a node is made only of what is kept. Pure.
import { KIND, NOT_PLAIN } from './plain-scan.ts';
import type { DecodeScalar, Node, ScalarNode, ScalarStyle, YamlEntry } from './yaml-node.ts';

/** How many numbers a key and a value take. */
const [KEY, VALUE] = [3, 4];
const STYLES: readonly ScalarStyle[] = ['plain', 'single', 'double', 'double', 'literal', 'folded', 'plain'];
const STYLE_IDS = [1, 2, 3, 3, 4, 5, 1] as const;

/** Of the documents that were read before; it is used by one reader at a time. */
let memory = new Int32Array(32 * 1024);

export class PlainRecords {
  readonly #text: string;
  readonly #base: number;
  readonly #decodeScalar: DecodeScalar | undefined;
  readonly #nodes: Node[] = [];
  /** Above the last record: what is below belongs to collections that are open. */
  top = 0;

  /** @param decode undefined: a text with a scalar that must be decoded is not read here */
  constructor(text: string, base: number, decode: DecodeScalar | undefined) {
    this.#text = text;
    this.#base = base;
    this.#decodeScalar = decode;
  }

  key(kind: number, from: number, to: number): void {
    const { top } = this;
    if (top + KEY + VALUE > memory.length) grow();
    memory[top] = kind;
    memory[top + 1] = from;
    memory[top + 2] = to;
    this.top = top + KEY;
  }

  value(kind: number, from: number, to: number, more: number): void {
    const { top } = this;
    if (top + VALUE > memory.length) grow();
    memory[top] = kind;
    memory[top + 1] = from;
    memory[top + 2] = to;
    memory[top + 3] = more;
    this.top = top + VALUE;
  }

  /** Makes a mapping of the entries above `bottom`. @returns what names it as a value */
  map(start: number, bottom: number, flow: boolean): number {
    const entries: YamlEntry[] = [];
    for (let at = bottom; at < this.top; at += KEY + VALUE)
      entries.push({ key: this.#scalar(at), value: this.#node(at + KEY) });
    return this.#nodes.push({ kind: 'map', start: this.#base + start, flow, entries }) - 1;
  }

  /** Makes a sequence of the items above `bottom`. */
  list(start: number, bottom: number): number {
    const items: Node[] = [];
    for (let at = bottom; at < this.top; at += VALUE) items.push(this.#node(at));
    return this.#nodes.push({ kind: 'seq', start: this.#base + start, items }) - 1;
  }

  made(index: number): Node {
    return this.#nodes[index] as Node;
  }

  #node(at: number): Node {
    const kind = memory[at] as number;
    const from = memory[at + 1] as number;
    if (kind === KIND.node) return this.made(from);
    if (kind === KIND.list) return { kind: 'seq', start: this.#base + from, items: [] };
    if (kind === KIND.map || kind === KIND.flowMap)
      return { kind: 'map', start: this.#base + from, flow: kind === KIND.flowMap, entries: [] };
    return this.#scalar(at);
  }

  #scalar(at: number): ScalarNode {
    const kind = memory[at] as number;
    const from = memory[at + 1] as number;
    const to = memory[at + 2] as number;
    const more = kind === KIND.literal || kind === KIND.folded ? (memory[at + 3] as number) : -1;
    const value = kind <= KIND.double ? this.#text.slice(from, to) : this.#decode(kind, from, to, more);
    const style = STYLES[kind] as ScalarStyle;
    return { kind: 'scalar', start: this.#base + from, end: this.#base + to, style, value, indent: more >> 2 };
  }

  #decode(kind: number, valueStart: number, valueEnd: number, more: number): string {
    if (kind === KIND.empty) return '';
    const style = STYLE_IDS[kind] as (typeof STYLE_IDS)[number];
    const [indent, chomping] = [more >> 2, (more & 3) as 1 | 2 | 3];
    if (this.#decodeScalar === undefined) throw NOT_PLAIN;
    return this.#decodeScalar(this.#text, { valueStart, valueEnd, style, chomping, indent });
  }
}

function grow(): void {
  const larger = new Int32Array(memory.length * 2);
  larger.set(memory);
  memory = larger;
}
