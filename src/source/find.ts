// Text of one file → every image reference in it, every candidate that is none with the reason, and
// what went wrong.
import type { Dialect, Found, Skipped } from '../flow.ts';
import { asProblem, type Problem } from '../problem.ts';
import { Collector } from './collector.ts';
import { DIALECTS, dialectOf, dialectOfDocument } from './dialects.ts';
import { readsMore } from './hot-keys.ts';
import { withoutComments } from './jsonc.ts';
import type { GlobalRegistry, Overlay, RemoteChart } from './overlay.ts';
import { isPlainSchema, mayNameImage } from './prefilter.ts';
import type { WalkOptions } from './reader.ts';
import { settleSharedImages, settleSharedTags } from './shared-tag.ts';
import { SyntaxProblem } from './syntax-problem.ts';
import { readTemplateLines } from './template.ts';
import { HAS_EXPRESSION } from './templated.ts';
import { positions } from './text.ts';
import { loadReader, parseYaml, ReaderNeeded, splitDocuments } from './yaml.ts';
import type { Node } from './yaml-node.ts';

export type FindOptions = WalkOptions;

export type FileResult = {
  readonly file: string;
  readonly found: readonly Found[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  /** Objects that apply a folder with overrides of images; absent: none. */
  readonly overlays?: readonly Overlay[];
  /** Charts from elsewhere that the file's objects install; absent: none. */
  readonly charts?: readonly RemoteChart[];
  /** Of a chart's values: a registry that they set for all of its images. */
  readonly globalRegistry?: GlobalRegistry;
  /**
   * Of the file that was read: edits are made from these bytes and no others. Absent for text that
   * is not from a file.
   */
  readonly stamp?: string;
  /** What the file's name said at its place in the tree; `file` may be shown from another folder. */
  readonly named?: Dialect;
};

/**
 * Finds image references in one file's text. The same text gives the same result. It is
 * asynchronous only because it loads the readers that few files need when a file needs them.
 * @param file path as it is shown to a person; its name decides the dialect
 */
export async function findIn(
  text: string,
  file: string,
  options: FindOptions,
  dialect: Dialect = dialectOf(file) ?? 'yaml',
): Promise<FileResult> {
  const reader = DIALECTS[dialect];
  const readWhole = reader.unit === 'file' ? await reader.load() : undefined;
  const read = (): FileResult => {
    const c = new Collector(text, file);
    const problems: Problem[] = [];
    c.dialect = dialect;
    try {
      if (readWhole !== undefined) readWhole(c);
      else readDocuments(c, dialect, options, problems);
    } catch (error) {
      if (error instanceof ReaderNeeded) throw error;
      problems.push(asProblem(error, 'syntax', { file }));
    }
    const settled = settleSharedTags(text, settleSharedImages(text, c.found, c.repeats), c.tagUses);
    return {
      file,
      found: settled.found.sort(byPosition),
      skipped: [...c.skipped, ...settled.skipped].sort(byPosition),
      problems,
      ...(c.overlays.length > 0 && { overlays: c.overlays }),
      ...(c.charts.length > 0 && { charts: c.charts }),
      ...(c.globalRegistry !== undefined && { globalRegistry: c.globalRegistry }),
    };
  };
  for (;;)
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ReaderNeeded)) throw error;
      await loadReader(error);
    }
}

function readDocuments(c: Collector, dialect: Dialect, options: FindOptions, problems: Problem[]): void {
  const position = positions(c.text);
  const reader = DIALECTS[dialect];
  const everything = options.fields.length > 0 || options.argsAndEnv;
  const text = reader.unit === 'document' ? withoutComments(c.text, c.file) : c.text;
  for (const [index, [start, end]] of splitDocuments(text).entries()) {
    const part = text.slice(start, end);
    if (!everything && !mayNameImage(part)) continue;
    const toFile = (offset: number) => start + offset;
    c.document = index;
    c.dialect = dialect;
    c.object = undefined;
    c.namespace = undefined;
    c.custom = false;
    c.container = undefined;
    if (reader.unit === 'text') {
      reader.read(c, part, toFile);
      continue;
    }
    if (isPlainSchema(part)) {
      const detail = 'a definition describes objects; it runs no image';
      c.skip({ start, end: start, path: '' }, 'CustomResourceDefinition', 'schema', detail);
      continue;
    }
    try {
      const root = parseFor(text, start, end, dialect === 'yaml' && !everything);
      if (root !== undefined) readDocument(c, root, dialect, options);
    } catch (error) {
      if (error instanceof ReaderNeeded) throw error;
      if (error instanceof SyntaxProblem && error.code === 'syntax' && HAS_EXPRESSION.test(part)) {
        c.dialect = 'template';
        readTemplateLines(c, part, toFile, '');
      } else {
        const where = error instanceof SyntaxProblem ? position(error.offset) : position(start);
        problems.push(asProblem(error, 'syntax', { file: c.file, ...where }));
      }
    }
  }
}

/** Most documents hold few images, and of the rest nothing is read. */
function parseFor(text: string, start: number, end: number, byShape: boolean): Node | undefined {
  const root = parseYaml(text, start, end, byShape);
  return byShape && root !== undefined && readsMore(root) ? parseYaml(text, start, end) : root;
}

function readDocument(c: Collector, root: Node, named: Dialect, options: FindOptions): void {
  c.dialect = dialectOfDocument(root, named);
  const reader = DIALECTS[c.dialect];
  if (reader.unit === 'document') reader.read(c, root, options);
}

function byPosition(a: { start: number }, b: { start: number }): number {
  return a.start - b.start;
}
