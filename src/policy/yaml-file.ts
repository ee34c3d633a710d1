// YAML that a person wrote for tagproof: one schema, every mistake with line and column. Pure.
import * as v from 'valibot';
import { isMap, LineCounter, type Node, parseDocument } from 'yaml';
import { asProblem, Problem } from '../problem.ts';

export type Path = readonly (string | number)[];
/** A mistake at its place, from the schema or from a check after it. */
export type Mistake = { readonly path: Path; readonly message: string };

/**
 * @param check finds the mistakes that the schema cannot see
 * @throws Problem `syntax` with line and column; every mistake of the file in one message, a line
 * each
 */
export function parseYamlFile<S extends v.GenericSchema>(
  source: string,
  file: string,
  schema: S,
  check: (output: v.InferOutput<S>) => Mistake[] = () => [],
): v.InferOutput<S> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new Problem('syntax', broken.message.split('\n')[0] as string, { file, line, column: col });
  }
  let json: unknown;
  try {
    json = document.toJS(); // expands aliases, and refuses more than a bounded number of them
  } catch (error) {
    throw asProblem(error, 'syntax', { file });
  }
  const result = v.safeParse(schema, json ?? {});
  const mistakes = result.success ? check(result.output) : result.issues.map(mistakeOf);
  if (result.success && mistakes.length === 0) return result.output;
  const [first, ...others] = mistakes.map(({ path, message }) => {
    const { line, col } = lines.linePos(nodeAt(document.contents, path)?.range?.[0] ?? 0);
    return { line, column: col, message: `${path.join('.')}: ${message}` };
  });
  const rest = others.map(({ line, column, message }) => `\n${file}:${line}:${column}: ${message}`).join('');
  throw new Problem('syntax', first?.message + rest, { file, line: first?.line ?? 1, column: first?.column ?? 1 });
}

/** One issue of the schema, in words that name the setting. */
export function mistakeOf(issue: v.BaseIssue<unknown>): Mistake {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  const unknown = issue.type === 'strict_object' && issue.expected === 'never';
  return { path, message: unknown ? `there is no setting '${path.at(-1)}' here` : issue.message };
}

/**
 * The place of a value that was read, counted from 1; the beginning of the file if the value is not
 * there.
 */
export function positionOf(source: string, path: Path): { line: number; column: number } {
  const lines = new LineCounter();
  const { contents } = parseDocument(source, { lineCounter: lines });
  const { line, col } = lines.linePos(nodeAt(contents, path)?.range?.[0] ?? 0);
  return { line, column: col };
}

/** The deepest node on the path that exists; for an unknown key, the key itself. */
function nodeAt(root: Node | null, path: Path): Node | null {
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
