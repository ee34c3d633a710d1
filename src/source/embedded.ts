// Documents inside block scalars: ConfigMaps, a chart's annotations, patches, the values of a
// HelmRelease.
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Collector } from './collector.ts';
import { SyntaxProblem } from './syntax-problem.ts';
import { readTemplateLines } from './template.ts';
import { positions, yamlLineAt } from './text.ts';
import { parseYaml, splitDocuments } from './yaml.ts';
import { type Node, relocate, type ScalarNode } from './yaml-node.ts';

/**
 * Parses those documents of a literal block scalar that mention images, and passes on their roots
 * with offsets of the file. Text that is no YAML (a script, another language) is no problem,
 * because nothing says that it should be YAML.
 */
export function readEmbedded(c: Collector, scalar: ScalarNode, path: string, visit: (root: Node) => void): void {
  const inner = scalar.value;
  const map = innerToOuter(c.text, scalar);
  for (const [start, end] of splitDocuments(inner)) {
    if (!/image/i.test(inner.slice(start, end))) continue;
    try {
      const root = parseYaml(inner, start, end);
      if (root !== undefined && root.kind !== 'scalar') visit(relocate(root, map, Math.max(scalar.indent, 0)));
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      if (inner.includes('{{')) readTemplateLines(c, inner.slice(start, end), (offset) => map(start + offset), path);
    }
  }
}

/**
 * Offsets in the value of a literal block → offsets in the file: line by line, plus the
 * indentation.
 */
function innerToOuter(text: string, scalar: ScalarNode): (offset: number) => number {
  const position = positions(scalar.value);
  const indent = Math.max(scalar.indent, 0);
  // Inside another block the start of the text is known, and the indentation of its line is before it.
  const lines = [{ start: scalar.indent < 0 ? scalar.start : yamlLineAt(text, scalar.start).start, end: scalar.end }];
  // YAML ends a line at LF, CR LF or CR alone, and its values have LF for each.
  for (const { index, 0: end } of text.slice(scalar.start, scalar.end).matchAll(/\r\n?|\n/g)) {
    (lines.at(-1) as { end: number }).end = scalar.start + index;
    lines.push({ start: scalar.start + index + end.length, end: scalar.end });
  }
  return (offset) => {
    const { line, column } = position(offset);
    // A value ends with a line break that the last line of a file may not have; a blank line may have no indentation.
    const { start, end } = lines[line - 1] ?? { start: scalar.end, end: scalar.end };
    return Math.min(start + indent + column - 1, end);
  };
}

const IMAGE_IN_TEXT =
  /(?:^|[\n{,[])[ \t]{0,200}(?:-[ \t]{1,64})?["']?image["']?[ \t]{0,64}:[ \t]{0,64}["']?([\w.:@/-]{1,400})["']?[ \t]{0,64}(?:[\n,}\]]|$)/;

/** The first image of a text that is a document: a collection of YAML or JSON. */
export function hiddenImage(text: string): string | undefined {
  const image = IMAGE_IN_TEXT.exec(text)?.[1];
  if (image === undefined || !/[:@/]/.test(image) || parseReference(image) instanceof Problem) return undefined;
  try {
    const root = parseYaml(text, 0, text.length);
    return root?.kind === 'map' || root?.kind === 'seq' ? image : undefined;
  } catch (error) {
    if (error instanceof SyntaxProblem) return undefined;
    throw error;
  }
}
