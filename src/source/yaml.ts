// YAML and JSON as trees of nodes with source ranges: plain YAML by plain.ts, the rest from the events of js-yaml; a second reader
// takes what that refuses.
import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import { Problem } from '../problem.ts';
import { parsePlain } from './plain.ts';
import { failedAtTemplate } from './templated.ts';
import { yamlLineAt } from './text.ts';
import {
  afterColon,
  type MapNode,
  type Node,
  nameless,
  type ScalarNode,
  type ScalarStyle,
  type SecondReader,
  type SeqNode,
} from './yaml-node.ts';

/** Deeper than the nesting of any manifest; the default of js-yaml. */
const MAX_DEPTH = 100;

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
 * @throws SyntaxProblem `syntax` or `limit`, with its offset in the whole text; SecondReaderNeeded
 */
export function parseYaml(text: string, start: number, end: number, imagesOnly = false): Node | undefined {
  const part = start === 0 && end === text.length ? text : text.slice(start, end);
  const plain = parsePlain(part, start, imagesOnly);
  return plain === 'other' ? parseAny(part, start) : plain;
}

/**
 * Parses one document of any YAML.
 * @param start its offset in the whole text
 */
export function parseAny(part: string, start: number): Node | undefined {
  // A refusal is an answer here, and its unused stack trace would cost more than the parsing.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return fromEvents(part, parseEvents(part, { maxDepth: MAX_DEPTH }), start);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    if (/depth/i.test(error.reason)) throw new SyntaxProblem('limit', `nested deeper than ${MAX_DEPTH} levels`, start);
    const position = error.mark?.position ?? 0;
    const refused = () =>
      new SyntaxProblem('syntax', `not valid YAML: ${error.reason}; the document was left alone`, start + position);
    if (failedAtTemplate(part, position)) throw refused();
    if (second === undefined) throw new SecondReaderNeeded();
    return second(part, start, refused);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

let second: SecondReader | undefined;

/**
 * Thrown when a document needs the second reader and it is not loaded. Few files need it, and it
 * costs start-up time.
 */
export class SecondReaderNeeded extends Error {}

/** Loads the second reader; parseYaml uses it from then on. */
export async function loadSecondReader(): Promise<void> {
  second = (await import('./yaml-second.ts')).secondReader;
}

/**
 * A Problem with its offset. The caller, which knows the file, turns the offset into line and
 * column.
 */
export class SyntaxProblem extends Problem {
  readonly offset: number;
  constructor(code: 'syntax' | 'limit', message: string, offset: number) {
    super(code, message);
    this.offset = offset;
  }
}

const STYLES: Record<number, ScalarStyle> = {
  [SCALAR_STYLE.PLAIN]: 'plain',
  [SCALAR_STYLE.SINGLE_QUOTED]: 'single',
  [SCALAR_STYLE.DOUBLE_QUOTED]: 'double',
  [SCALAR_STYLE.LITERAL_BLOCK]: 'literal',
  [SCALAR_STYLE.FOLDED_BLOCK]: 'folded',
};

function fromEvents(text: string, events: Event[], base: number): Node | undefined {
  const anchors = new Map<string, Node>();
  let at = 0;

  function anchored(event: { anchorStart: number; anchorEnd: number }, node: Node): void {
    if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
  }

  function node(previousEnd: number): Node {
    const event = events[at++] as Event;
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const empty = event.valueStart < 0;
        const scalar: ScalarNode = {
          kind: 'scalar',
          start: base + (empty ? previousEnd : event.valueStart),
          end: base + (empty ? previousEnd : event.valueEnd),
          style: STYLES[event.style] ?? 'plain',
          value: empty ? '' : event.fast ? text.slice(event.valueStart, event.valueEnd) : getScalarValue(text, event),
          indent: event.indent,
        };
        anchored(event, scalar);
        return scalar;
      }
      case EVENT_ID.MAPPING: {
        const map: MapNode = { kind: 'map', start: base + event.start, flow: event.style === 2, entries: [] };
        anchored(event, map);
        while ((events[at] as Event).type !== EVENT_ID.POP) {
          const { anchorStart, anchorEnd } = events[at] as { anchorStart: number; anchorEnd: number };
          const key = node(event.start);
          // An alias of a key would make the key the place of an image, and a digest there another key.
          if (key.kind === 'scalar' && anchorStart >= 0) anchors.delete(text.slice(anchorStart, anchorEnd));
          const keyEnd = key.kind === 'scalar' ? key.end - base : event.start;
          const value = node(afterColon(text, keyEnd));
          // A key that is a collection names no field. Its value is read all the same, under no
          // name.
          map.entries.push({ key: key.kind === 'scalar' ? key : nameless(key.start), value });
        }
        at++;
        return map;
      }
      case EVENT_ID.SEQUENCE: {
        const seq: SeqNode = { kind: 'seq', start: base + event.start, items: [] };
        anchored(event, seq);
        while ((events[at] as Event).type !== EVENT_ID.POP) seq.items.push(node(event.start));
        at++;
        return seq;
      }
      case EVENT_ID.ALIAS:
        return {
          kind: 'alias',
          start: base + event.anchorStart - 1,
          target: anchors.get(text.slice(event.anchorStart, event.anchorEnd)),
        };
      default:
        throw new SyntaxProblem('syntax', 'not a YAML document', base);
    }
  }

  if (events.length === 0) return undefined;
  at = 1; // the DOCUMENT event
  const root = (events[at] as Event).type === EVENT_ID.POP ? undefined : node(0);
  // Another document would be passed over in silence.
  if (at + 1 < events.length) throw new SyntaxProblem('syntax', 'more than one YAML document between two marks', base);
  return root;
}
