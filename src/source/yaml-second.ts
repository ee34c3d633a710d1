// The second reader: eemeli's `yaml`, for what js-yaml refuses and the parser of Kubernetes takes,
// such as a closing bracket at the indentation of its key (js-yaml issue 768). It is loaded only
// when a document needs it. Pure.
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Node as YamlNode } from 'yaml';
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

export const secondReader: SecondReader = (text, base, syntaxProblem) => {
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { uniqueKeys: false, strict: false, logLevel: 'silent' });
  } catch {
    throw syntaxProblem(); // deep nesting, for example, exhausts its stack
  }
  if (document.errors.length > 0) throw syntaxProblem();
  return document.contents === null ? undefined : fromAst(text, document.contents, base);
};

function fromAst(text: string, root: YamlNode, base: number): Node {
  const anchors = new Map<string, Node>();

  function convert(item: unknown, previousEnd: number): Node {
    if (isMap(item)) {
      const map: MapNode = { kind: 'map', start: base + (item.range?.[0] ?? 0), flow: item.flow === true, entries: [] };
      if (item.anchor) anchors.set(item.anchor, map);
      for (const pair of item.items) {
        const key = convert(pair.key, previousEnd);
        // As in the first reader: an alias of a key is no place of an image.
        if (isScalar(pair.key) && pair.key.anchor) anchors.delete(pair.key.anchor);
        const keyEnd = key.kind === 'scalar' ? key.end - base : previousEnd;
        const value = convert(pair.value, afterColon(text, keyEnd));
        map.entries.push({ key: key.kind === 'scalar' ? key : nameless(key.start), value });
      }
      return map;
    }
    if (isSeq(item)) {
      const seq: SeqNode = { kind: 'seq', start: base + (item.range?.[0] ?? 0), items: [] };
      if (item.anchor) anchors.set(item.anchor, seq);
      for (const child of item.items) seq.items.push(convert(child, previousEnd));
      return seq;
    }
    if (isAlias(item)) return { kind: 'alias', start: base + (item.range?.[0] ?? 0), target: anchors.get(item.source) };
    if (isScalar(item) && item.range && item.source !== undefined) {
      const result = astScalar(text, base, { range: item.range, type: item.type, source: item.source });
      if (item.anchor) anchors.set(item.anchor, result);
      return result;
    }
    return nameless(base + previousEnd);
  }

  return convert(root, 0);
}

type AstScalar = { readonly range: readonly number[]; readonly type: string | undefined; readonly source: string };

function astScalar(text: string, base: number, { range, type, source: value }: AstScalar): ScalarNode {
  let [start, end] = range as [number, number];
  let style: ScalarStyle = 'plain';
  let indent = -1;
  if (type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE') {
    style = type === 'QUOTE_SINGLE' ? 'single' : 'double';
    start++;
    end--;
  } else if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') {
    style = type === 'BLOCK_LITERAL' ? 'literal' : 'folded';
    start = yamlLineAt(text, start).next;
    indent = indentOf(text.slice(start, end), value);
  }
  return { kind: 'scalar', start: base + start, end: base + end, style, value, indent };
}

/** What each line of a block scalar loses: the text and the value of its first line that is not blank differ by that. */
function indentOf(block: string, value: string): number {
  const written = block.split(/\r\n?|\n/);
  for (const [index, line] of value.split('\n').entries())
    if (line.trim() !== '') return Math.max(0, (written[index]?.length ?? 0) - line.length);
  return 0;
}
