// YAML that a person wrote for us: one schema, every mistake with line and column.
import * as v from 'valibot';
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { Problem } from '../problem.ts';

/** @throws Problem `syntax` with line and column; every mistake of the file in one message, a line each */
export function parseYaml<S extends v.GenericSchema>(source: string, file: string, schema: S): v.InferOutput<S> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new Problem('syntax', broken.message.split('\n')[0] as string, { file, line, column: col });
  }
  const result = v.safeParse(schema, document.toJS() ?? {});
  if (result.success) return result.output;
  const [first, ...others] = result.issues.map((issue) => {
    const path = (issue.path ?? []).map((item) => item.key as string | number);
    const node = nodeAt(document.contents, path);
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    const unknown = issue.type === 'strict_object' && issue.expected === 'never';
    const message = unknown ? `there is no setting '${path.at(-1)}' here` : issue.message;
    return { line, column: col, message: `${path.join('.')}: ${message}` };
  });
  const rest = others.map(({ line, column, message }) => `\n${file}:${line}:${column}: ${message}`).join('');
  throw new Problem('syntax', first?.message + rest, { file, line: first?.line ?? 1, column: first?.column ?? 1 });
}

/** The deepest node on the path; for a key that must not be there, the key itself. */
function nodeAt(root: Node | null, path: (string | number)[]): Node | null {
  let node = root;
  for (const [depth, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === String(key));
      if (pair === undefined) return node;
      node = (depth === path.length - 1 || pair.value === null ? pair.key : pair.value) as Node;
    } else {
      const item = (node as { items?: unknown[] } | null)?.items?.[Number(key)];
      if (item === undefined) return node;
      node = item as Node;
    }
  }
  return node;
}
