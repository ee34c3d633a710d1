// Anchors of YAML: the one before a scalar, and how often a text uses it. Pure.

/** The anchor right before a scalar. */
export function yamlAnchorBefore(text: string, { start }: { readonly start: number }): string | undefined {
  return /&([^\s,[\]{}]+)[ \t]+(?:![^\s,[\]{}]*[ \t]+)?["']?$/.exec(text.slice(Math.max(0, start - 200), start))?.[1];
}

/** Counts too many rather than too few: also in comments and in other documents. */
export function countAliases(text: string, anchor: string): number {
  let count = 0;
  for (let at = text.indexOf(`*${anchor}`); at >= 0; at = text.indexOf(`*${anchor}`, at + 1))
    if (/^(?:[\s,\]}]|$)/.test(text.slice(at + anchor.length + 1, at + anchor.length + 2))) count++;
  return count;
}
