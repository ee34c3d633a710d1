// YAML and JSON as trees of nodes with source ranges: plain YAML by plain.ts, the rest by yaml-events.ts, and what that refuses by
// yaml-second.ts. The last two are loaded only when a document needs them.
import { parsePlain } from './plain.ts';
import { yamlLineAt } from './text.ts';
import type { EventReader, Node, SecondReader } from './yaml-node.ts';

const MARK = /[\n\r](?:---|\.\.\.)(?=[ \t\r\n]|$)/g;
/** The start of a line with something other than a comment or a directive. */
const CONTENT = /^(?![ \t]*(?:[#\r\n]|$)|%)/m;

/**
 * The spans of the documents in a stream: up to a line with `---`, or including one with `...`. YAML reserves both for this, also
 * in scalars. Directives belong to the document below them.
 */
export function splitDocuments(text: string): [start: number, end: number][] {
  const spans: [number, number][] = [];
  let start = 0;
  let ended = false;
  for (const { index, 0: mark } of text.matchAll(MARK)) {
    const at = index + 1;
    const above = text.slice(start, at);
    if (mark.endsWith('-')) {
      if ((ended || /^%/m.test(above)) && !CONTENT.test(above)) continue;
      spans.push([start, at]);
      start = at;
      ended = false;
    } else if (CONTENT.test(above)) {
      const { next } = yamlLineAt(text, at);
      if (!CONTENT.test(text.slice(next))) break;
      spans.push([start, next]);
      start = next;
      ended = true;
    }
  }
  spans.push([start, text.length]);
  return spans;
}

/**
 * Parses the one document in text[start, end). The offsets of the nodes are offsets of the whole
 * text.
 * @param imagesOnly collections in which no search for images finds anything may be empty
 * @returns undefined for an empty document
 * @throws SyntaxProblem `syntax` or `limit`, with its offset in the whole text; ReaderNeeded
 */
export function parseYaml(text: string, start: number, end: number, imagesOnly = false): Node | undefined {
  const part = start === 0 && end === text.length ? text : text.slice(start, end);
  const plain = parsePlain(part, start, imagesOnly, events?.decode);
  return plain === 'other' ? parseAny(part, start) : plain;
}

/**
 * Parses one document of any YAML.
 * @param start its offset in the whole text
 */
export function parseAny(part: string, start: number): Node | undefined {
  if (events === undefined) throw new ReaderNeeded('events');
  return events.parse(part, start, (refused) => {
    if (second === undefined) throw new ReaderNeeded('second');
    return second(part, start, refused);
  });
}

let events: EventReader | undefined;
let second: SecondReader | undefined;

/** Thrown when a document needs a reader that is not loaded: few files need them, and they cost start-up time. */
export class ReaderNeeded extends Error {
  readonly reader: 'events' | 'second';
  constructor(reader: 'events' | 'second') {
    super(`the reader '${reader}' of YAML is not loaded`);
    this.reader = reader;
  }
}

/** Loads what a document needs; parseYaml uses it from then on. */
export async function loadReader({ reader }: Pick<ReaderNeeded, 'reader'>): Promise<void> {
  events = (await import('./yaml-events.ts')).eventReader;
  if (reader === 'second') second = (await import('./yaml-second.ts')).secondReader;
}
