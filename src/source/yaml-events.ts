// All of YAML and JSON as trees of nodes, from the events of js-yaml: what plain.ts does not read. It is loaded only when a document
// needs it, because js-yaml is a third of all the code that a scan of one file would load. Pure.
import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import { SyntaxProblem } from './syntax-problem.ts';
import { failedAtTemplate } from './templated.ts';
import {
  afterColon,
  type EventReader,
  type MapNode,
  type Node,
  nameless,
  type ScalarNode,
  type ScalarStyle,
  type SeqNode,
} from './yaml-node.ts';

/** Deeper than the nesting of any manifest; the default of js-yaml. */
const MAX_DEPTH = 100;
const UNSET = { anchorStart: -1, anchorEnd: -1, tagStart: -1, tagEnd: -1, fast: false } as const;

export const eventReader: EventReader = {
  parse(part, start, refusal) {
    // A refusal is an answer here, and its unused stack trace would cost more than the parsing.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return fromEvents(part, parseEvents(part, { maxDepth: MAX_DEPTH }), start);
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      if (/depth/i.test(error.reason))
        throw new SyntaxProblem('limit', `nested deeper than ${MAX_DEPTH} levels`, start);
      const position = error.mark?.position ?? 0;
      const refused = () =>
        new SyntaxProblem('syntax', `not valid YAML: ${error.reason}; the document was left alone`, start + position);
      if (failedAtTemplate(part, position)) throw refused();
      return refusal(refused);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  },
  decode: (text, scalar) => getScalarValue(text, { ...UNSET, type: EVENT_ID.SCALAR, ...scalar }),
};

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
