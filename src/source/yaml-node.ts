// The nodes of a YAML tree with their source ranges, and how to walk them. Pure.

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** [start, end) is the scalar's content without quotes; of a block scalar, its lines. An empty value has start = end. */
export type ScalarNode = {
  readonly kind: 'scalar';
  readonly start: number;
  readonly end: number;
  readonly style: ScalarStyle;
  readonly value: string;
  /** Columns of indentation that every line of a block scalar loses; -1 elsewhere. */
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
/** A node that stands elsewhere: `target` is what the anchor marks, undefined when there is no such anchor. */
export type AliasNode = { readonly kind: 'alias'; readonly start: number; readonly target: Node | undefined };
export type Node = ScalarNode | MapNode | SeqNode | AliasNode;

/** Reads a document that js-yaml refuses, or throws the problem that js-yaml found. */
export type SecondReader = (text: string, base: number, problem: () => Error) => Node | undefined;

/** Just behind the colon of a key that ends at `keyEnd`: where the value of `key:` would begin. */
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
 * The value under a key; an alias gives what it stands for. The last of duplicate keys wins, as in Go's decoder;
 * `<<` merges are followed a few steps (an anchor may hold itself).
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

/** What an alias stands for; any other node is itself. */
export function deref(node: Node | undefined): Exclude<Node, AliasNode> | undefined {
  return node?.kind === 'alias' ? (node.target as Exclude<Node, AliasNode> | undefined) : node;
}

/** The scalar text under a key, if there is any. */
export function getText(node: Node | undefined, key: string): string | undefined {
  const value = get(node, key);
  return value?.kind === 'scalar' ? value.value : undefined;
}

/**
 * The same tree with every offset put through `map`: a document inside a block scalar, seen in its file.
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
