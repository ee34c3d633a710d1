// Text of one file → every image reference in it, every candidate that is none with the reason, and what went wrong.
import type { Dialect, Found, Skipped } from '../flow.ts';
import { asProblem, type Problem } from '../problem.ts';
import { Collector } from './collector.ts';
import { isCompose, readCompose } from './compose.ts';
import { dialectOf } from './dialect.ts';
import { SCHEMA_KINDS } from './fields.ts';
import { readGithubActions } from './github-actions.ts';
import { readGitlabCi } from './gitlab-ci.ts';
import { readGitops } from './gitops.ts';
import { readKustomization } from './kustomization.ts';
import type { GlobalRegistry, Overlay } from './overlay.ts';
import { settleSharedTags } from './shared-tag.ts';
import { readTemplateLines } from './template.ts';
import { positions } from './text.ts';
import { type WalkOptions, walkDocument } from './walk.ts';
import { loadSecondReader, parseYaml, SecondReaderNeeded, SyntaxProblem, splitDocuments } from './yaml.ts';
import { getText, type Node } from './yaml-node.ts';

export type FindOptions = WalkOptions;

export type FileResult = {
  readonly file: string;
  readonly found: readonly Found[];
  readonly skipped: readonly Skipped[];
  readonly problems: readonly Problem[];
  /** Objects that apply a folder with overrides of images; absent: none. */
  readonly overlays?: readonly Overlay[];
  /** Of a chart's values: a registry that they set for all of its images. */
  readonly globalRegistry?: GlobalRegistry;
  /** Of the file that was read: edits are made from these bytes and no others. Absent for text from elsewhere. */
  readonly stamp?: string;
};

/**
 * The words without which no dialect but Dockerfile finds anything: most files hold none and are not even decoded.
 * `mage` is image and Image.
 */
export const HINTS = [
  'mage',
  'docker://',
  'container:',
  'repository:',
  'crossplane.io',
  'kustomize.toolkit.fluxcd.io',
  'oci://',
];
/** The same for one document, closer: a key that may hold an image. All repeats are bounded, so that no text stalls them. */
const WORTH_PARSING =
  /mage[\w-]{0,64}["']?\s{0,64}:|\/image\b|docker:\/\/|container["']?\s{0,64}:|repository["']?\s{0,64}:|crossplane\.io|oci:\/\/|kustomize\.toolkit\.fluxcd\.io/;
/** The rest of a quoted key behind an escape, which may spell any of these words. */
const ESCAPED_KEY = /\\[uUx][^"\n]{0,64}"\s{0,64}:/;
/** Schemas are by far the largest files of a repository, and hold no image. */
const SCHEMA = new RegExp(`^kind:[ \\t]*["']?(?:${[...SCHEMA_KINDS].join('|')})\\b`, 'm');
const VALUE =
  /(?:mage[\w-]{0,64}|reference)["']?\s{0,64}:(?![ \t]{0,64}(?:#[^\n]{0,200})?\r?\n\s{0,200}[\w$-]{1,200}:[ \t\r\n])/y;
const TEMPLATED = /\{\{|\{%|<%/;

/**
 * Finds image references in one file's text. The same text gives the same result; asynchronous only because readers that
 * few files need are loaded when they are needed.
 * @param file path as it should be shown; its name decides the dialect
 */
export async function findIn(
  text: string,
  file: string,
  options: FindOptions,
  dialect: Dialect = dialectOf(file) ?? 'yaml',
): Promise<FileResult> {
  const readDockerfile = dialect === 'dockerfile' ? (await import('./dockerfile.ts')).readDockerfile : undefined;
  const read = (): FileResult => {
    const c = new Collector(text, file);
    const problems: Problem[] = [];
    c.dialect = dialect;
    try {
      if (readDockerfile) readDockerfile(c);
      else readDocuments(c, dialect, options, problems);
    } catch (error) {
      if (error instanceof SecondReaderNeeded) throw error;
      problems.push(asProblem(error, 'syntax', { file }));
    }
    const settled = settleSharedTags(text, c.found, c.tagUses);
    return {
      file,
      found: settled.found.sort(byPosition),
      skipped: [...c.skipped, ...settled.skipped].sort(byPosition),
      problems,
      ...(c.overlays.length > 0 && { overlays: c.overlays }),
      ...(c.globalRegistry !== undefined && { globalRegistry: c.globalRegistry }),
    };
  };
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SecondReaderNeeded)) throw error;
    await loadSecondReader();
    return read();
  }
}

function readDocuments(c: Collector, dialect: Dialect, options: FindOptions, problems: Problem[]): void {
  const position = positions(c.text);
  const everything = options.fields.length > 0 || options.argsAndEnv;
  for (const [index, [start, end]] of splitDocuments(c.text).entries()) {
    const part = c.text.slice(start, end);
    if (!everything && !WORTH_PARSING.test(part) && !hasEscapedKey(part)) continue;
    c.document = index;
    c.dialect = dialect;
    c.object = undefined;
    c.namespace = undefined;
    if (dialect === 'template') {
      readTemplateLines(c, part, (offset) => start + offset, '');
      continue;
    }
    if (SCHEMA.test(part) && !holdsValue(part)) {
      c.skip(
        { start, end: start, path: '' },
        'CustomResourceDefinition',
        'schema',
        'a definition describes objects; it runs no image',
      );
      continue;
    }
    try {
      const root = parseYaml(c.text, start, end);
      if (root !== undefined) readDocument(c, root, dialect, options);
    } catch (error) {
      if (error instanceof SecondReaderNeeded) throw error;
      if (error instanceof SyntaxProblem && error.code === 'syntax' && TEMPLATED.test(part)) {
        c.dialect = 'template';
        readTemplateLines(c, part, (offset) => start + offset, '');
      } else {
        const where = error instanceof SyntaxProblem ? position(error.offset) : position(start);
        problems.push(asProblem(error, 'syntax', { file: c.file, ...where }));
      }
    }
  }
}

/**
 * The line `kind: CustomResourceDefinition` could stand in a string, or a second `kind:` override it; so a schema is passed
 * over unparsed only when every image key in it is followed by a line with another key, as in schemas: no image there.
 */
function holdsValue(part: string): boolean {
  for (const word of ['mage', 'reference']) {
    for (let at = part.indexOf(word); at >= 0; at = part.indexOf(word, at + 1)) {
      VALUE.lastIndex = at;
      if (VALUE.test(part)) return true;
    }
  }
  return hasEscapedKey(part);
}

function hasEscapedKey(part: string): boolean {
  return part.includes('\\') && ESCAPED_KEY.test(part);
}

function readDocument(c: Collector, root: Node, named: Dialect, options: FindOptions): void {
  const apiVersion = getText(root, 'apiVersion');
  const isObject = apiVersion !== undefined && getText(root, 'kind') !== undefined;
  if (named === 'kustomize' || apiVersion?.startsWith('kustomize.config.k8s.io/')) {
    c.dialect = 'kustomize';
    readKustomization(c, root);
    // what is left: patches written inside the file
  } else if (named === 'github-actions') return readGithubActions(c, root);
  else if (named === 'gitlab-ci') return readGitlabCi(c, root);
  else if ((named === 'compose' || named === 'yaml') && !isObject && isCompose(root)) {
    c.dialect = 'compose';
    return readCompose(c, root);
  } else if (isObject) {
    c.dialect = 'kubernetes';
    readGitops(c, root, apiVersion.split('/', 1)[0] as string, getText(root, 'kind') as string);
  }
  walkDocument(c, root, options, c.dialect === 'helm-values');
}

function byPosition(a: { start: number }, b: { start: number }): number {
  return a.start - b.start;
}
