// The nodes of a YAML tree with their source ranges, and how to look things up in it. Pure.

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/**
 * [start, end) is the content of the scalar without quotes, or the lines of a block scalar. Empty
 * values have start = end.
 */
export type ScalarNode = {
  readonly kind: 'scalar';
  readonly start: number;
  readonly end: number;
  readonly style: ScalarStyle;
  readonly value: string;
  /** Columns of indentation that every line of a block scalar loses; -1 for other scalars. */
  readonly indent: number;
};
export type YamlEntry = { readonly key: ScalarNode; readonly value: Node };
export type MapNode = {
  readonly kind: 'map';
  readonly start: number;
  readonly flow: boolean;
  readonly entries: YamlEntry[];
};
export type SeqNode = { readonly kind: 'seq'; readonly start: number; readonly items: Node[] };
/** An alias: `target` is the node with the anchor, undefined when there is no such anchor. */
export type AliasNode = { readonly kind: 'alias'; readonly start: number; readonly target: Node | undefined };
export type Node = ScalarNode | MapNode | SeqNode | AliasNode;

/** The span of a scalar, and how it is written; `style` and `chomping` are js-yaml's numbers. */
export type WrittenScalar = {
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly style: 1 | 2 | 3 | 4 | 5;
  readonly chomping: 1 | 2 | 3;
  readonly indent: number;
};

/** The value of a scalar that is not written as it is: with escapes, folded, in a block. */
export type DecodeScalar = (text: string, scalar: WrittenScalar) => string;

export type EventReader = {
  /** @param refusal says what becomes of a document that js-yaml refuses, or throws */
  parse(part: string, start: number, refusal: (refused: () => Error) => Node | undefined): Node | undefined;
  readonly decode: DecodeScalar;
};

/**
 * Reads a document that js-yaml refuses; throws the problem that js-yaml found if it cannot read it
 * either.
 */
export type SecondReader = (text: string, base: number, problem: () => Error) => Node | undefined;

/**
 * The offset after the colon of a key that ends at `keyEnd`, where the value of `key:` would begin.
 */
export function afterColon(text: string, keyEnd: number): number {
  const colon = text.indexOf(':', keyEnd);
  return colon < 0 ? keyEnd : colon + 1;
}

export const nameless = (start: number): ScalarNode => ({
  kind: 'scalar',
  start,
  end: start,
  style: 'plain',
  value: '',
  indent: -1,
});

/**
 * The value of a key; of an alias, the value of its anchor. The last of duplicate keys wins, as in
 * Go's decoder. `<<` merges are followed a few steps only, because an anchor may contain itself.
 */
export function get(node: Node | undefined, key: string, merges = 8): Node | undefined {
  const map = deref(node);
  if (map?.kind === 'seq' && merges < 8)
    return map.items.map((item) => get(item, key, merges - 1)).find((value) => value);
  if (map?.kind !== 'map') return undefined;
  for (let i = map.entries.length - 1; i >= 0; i--) {
    const entry = map.entries[i] as YamlEntry;
    if (entry.key.value === key) return deref(entry.value);
  }
  const merged = merges > 0 ? map.entries.find((entry) => entry.key.value === '<<') : undefined;
  return merged === undefined ? undefined : get(merged.value, key, merges - 1);
}

/** The node that an alias refers to; any other node itself. */
export function deref(node: Node | undefined): Exclude<Node, AliasNode> | undefined {
  return node?.kind === 'alias' ? (node.target as Exclude<Node, AliasNode> | undefined) : node;
}

/** The text of the scalar under a key, if there is one. */
export function getText(node: Node | undefined, key: string): string | undefined {
  const value = get(node, key);
  return value?.kind === 'scalar' ? value.value : undefined;
}

/**
 * The same tree with every offset mapped: turns the offsets of a document inside a block scalar
 * into those of its file.
 * @param indent columns that the outer block takes from every line; a block scalar inside loses them too
 */
export function relocate(node: Node, map: (offset: number) => number, indent: number): Node {
  switch (node.kind) {
    case 'scalar':
      return {
        ...node,
        start: map(node.start),
        end: map(node.end),
        indent: node.indent < 0 ? node.indent : node.indent + indent,
      };
    case 'map': {
      const entries = node.entries.map(({ key, value }) => ({
        key: relocate(key, map, indent) as ScalarNode,
        value: relocate(value, map, indent),
      }));
      return { ...node, start: map(node.start), entries };
    }
    case 'seq':
      return { ...node, start: map(node.start), items: node.items.map((item) => relocate(item, map, indent)) };
    case 'alias':
      return { ...node, start: map(node.start), target: undefined };
  }
}
