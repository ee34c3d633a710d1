// The proof of an edit, made before a file is written: each span spells its reference, the edited text found again holds exactly the old
// places with the wanted digests, its values are equal but for digests, and taking the digests out again gives the old bytes.
import type { Edit, Found, Skipped } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { applyEdits, unpinEdit } from './edit.ts';
import { type FileResult, type FindOptions, findIn } from './find.ts';
import { withoutComments } from './jsonc.ts';
import { spells } from './slot.ts';
import { SyntaxProblem } from './syntax-problem.ts';
import { loadReader, parseYaml, ReaderNeeded, splitDocuments } from './yaml.ts';
import type { Node } from './yaml-node.ts';

/** One place that an edit changes. */
export type ProvedChange = {
  readonly found: Found;
  readonly edit: Edit;
  /** The digest that it has afterwards; undefined: none. */
  readonly digest: string | undefined;
  /** Set where the whole reference is replaced: its tag afterwards, or null for none. */
  readonly tag?: string | null;
};

export type EditProof = {
  readonly text: string;
  /** The edited text. */
  readonly after: string;
  /** What was found in `text`. */
  readonly before: Pick<FileResult, 'file' | 'found' | 'skipped' | 'problems' | 'named'>;
  readonly changes: readonly ProvedChange[];
  readonly options: FindOptions;
};

/**
 * An entry of an overlay that only renames is no image by its text alone, and one with a digest is: at the places of edits it counts
 * as found on both sides.
 */
export function withEntries<T extends Pick<FileResult, 'found' | 'skipped'>>(
  result: T,
  changes: readonly Pick<ProvedChange, 'found'>[],
): T {
  const key = ({ document, path }: Found | Skipped) => `${document} ${path}`;
  const places = new Set(changes.map(({ found }) => key(found)));
  const entries = result.skipped.filter((item) => item.slot !== undefined && places.has(key(item)));
  if (entries.length === 0) return result;
  const promoted = entries.flatMap(({ kind: _, text, reason: __, detail: ___, slot = {}, ...place }): Found[] => {
    const reference = parseReference(text);
    return reference instanceof Problem ? [] : [{ ...place, kind: 'found', reference, slot }];
  });
  const found = [...result.found, ...promoted].sort((a, b) => a.start - b.start);
  return { ...result, found, skipped: result.skipped.filter((item) => !entries.includes(item)) };
}

/** @throws Problem `refused` where the edit cannot be proved; then the file must not be written */
export async function proveEdits({ text, after, before, changes, options }: EditProof): Promise<void> {
  const { file, named } = before;
  const wanted = new Map(changes.map((change) => [change.found, change]));
  for (const { found } of changes) {
    const wrong = misspelt(text, found);
    if (wrong !== undefined) throw refusal(wrong, found);
  }
  const again = withEntries(await findIn(after, file, options, named), changes);
  // A document that cannot be read is left alone, and does not keep the others from being edited.
  const fresh = again.problems.find(({ message }, index) => message !== before.problems[index]?.message);
  if (fresh !== undefined) throw refusal(`the edited text could not be read again: ${fresh.message}`, { file });
  if (again.problems.length !== before.problems.length)
    throw refusal('what could not be read before the edit is not what cannot be read after it', { file });
  if (again.found.length !== before.found.length)
    throw refusal(`${before.found.length} images were found before the edit, ${again.found.length} after it`, { file });
  for (const [index, found] of before.found.entries()) {
    const now = again.found[index] as Found;
    const change = wanted.get(found);
    const wrong = differs(found, now, change ?? { digest: (found.written ?? found.reference).digest });
    if (wrong !== undefined) throw refusal(wrong, found);
  }
  if (!sameSkips(before.skipped, again.skipped))
    throw refusal('what was skipped before the edit is not what is skipped after it', { file });
  // Another tag is another value, and its own text is its only inverse.
  if (changes.some(({ tag }) => tag !== undefined)) return;
  // A Dockerfile has no values, even where YAML could read it as some.
  const isYaml = changes.some(({ found }) => found.dialect !== 'dockerfile');
  if (isYaml && !(await sameDocuments(withoutComments(text, file), withoutComments(after, file))))
    throw refusal('values other than digests would change', { file });
  const later = new Map(before.found.map((found, index) => [found, again.found[index] as Found]));
  const back = changes.map(({ found, digest }) => undo(text, found, later.get(found) as Found, digest));
  if (back.includes(undefined) || applyEdits(after, back as Edit[]) !== text)
    throw refusal('the edit could not be undone exactly', { file });
}

const refusal = (why: string, { file, line, column }: { file: string; line?: number; column?: number }): Problem =>
  new Problem('refused', `the edit could not be proved and the file was left as it is: ${why}`, {
    file,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  });

/** Why the text at the place is not what the reference says; undefined: it is. */
function misspelt(
  text: string,
  { start, end, reference: deployed, written: reference = deployed, slot }: Found,
): string | undefined {
  const span = text.slice(start, end);
  if (!spells(span, reference)) return `expected '${reference.text}' at its place, found '${span.slice(0, 100)}'`;
  if (slot.pin?.before === '@') {
    const tail = reference.tag ?? reference.name;
    const found = text
      .slice(0, slot.pin.at)
      .slice(-2 * tail.length)
      .replaceAll('\\/', '/')
      .slice(-tail.length);
    if (found !== tail) return `expected '${tail}' before the digest, found '${found}'`;
  }
  return undefined;
}

function differs(found: Found, now: Found, { digest, tag }: Pick<ProvedChange, 'digest' | 'tag'>): string | undefined {
  if (now.path !== found.path || now.document !== found.document || now.dialect !== found.dialect)
    return `it would be found at ${now.path} and not at ${found.path}`;
  const was = found.written ?? found.reference;
  const { reference: is } = now;
  const expected = tag === undefined ? was.tag : (tag ?? undefined);
  if (is.registry !== was.registry || is.repository !== was.repository || is.tag !== expected)
    return `${was.text} would become ${is.text}`;
  return is.digest === digest ? undefined : `it would carry ${is.digest ?? 'no digest'} and not ${digest ?? 'none'}`;
}

function sameSkips(before: readonly Skipped[], after: readonly Skipped[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ path, reason, document }, index) => {
      const now = after[index] as Skipped;
      return now.path === path && now.reason === reason && now.document === document;
    })
  );
}

/** The edit that takes a change back: the old digest, or none. */
function undo(text: string, found: Found, now: Found, digest: string | undefined): Edit | undefined {
  const { slot } = found;
  if (digest === undefined) {
    // What was taken out is put back where it was.
    const range = slot.unpin;
    const pin = now.slot.pin;
    if (range === undefined || pin === undefined) return undefined;
    return { start: pin.at, end: pin.at, text: text.slice(range[0], range[1]) };
  }
  if (slot.digest === undefined) return unpinEdit(now);
  const range = now.slot.digest;
  return range && { start: range[0], end: range[1], text: text.slice(slot.digest[0], slot.digest[1]) };
}

/** The documents of both texts, value by value. Text that is no YAML, as a template, has no values to compare. */
async function sameDocuments(before: string, after: string): Promise<boolean> {
  const [old, now] = [splitDocuments(before), splitDocuments(after)];
  if (old.length !== now.length) return false;
  for (const [index, [start, end]] of old.entries()) {
    const [from, to] = now[index] as [number, number];
    if (before.slice(start, end) === after.slice(from, to)) continue;
    const [was, is] = [await documentOf(before, start, end), await documentOf(after, from, to)];
    if (was === 'unreadable' || is === 'unreadable' ? was !== is : !sameValues(was, is)) return false;
  }
  return true;
}

async function documentOf(text: string, start: number, end: number): Promise<Node | undefined | 'unreadable'> {
  try {
    return parseYaml(text, start, end);
  } catch (error) {
    if (error instanceof SyntaxProblem) return 'unreadable';
    if (!(error instanceof ReaderNeeded)) throw error;
    await loadReader(error);
    return documentOf(text, start, end);
  }
}

const DIGESTS =
  /^[ \t]*(?:digest|sha(?:256)?):[ \t]*(?:["']?(?:sha256:)?[0-9a-f]{64}["']?|""|'')\r?\n?|@?(?:sha256:)?\b[0-9a-f]{64}\b/gm;
const withoutDigests = (value: string): string => value.replaceAll(DIGESTS, '');

function sameValues(a: Node | undefined, b: Node | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'alias' || b.kind === 'alias') return a.kind === b.kind;
  if (a.kind === 'scalar')
    return b.kind === 'scalar' && (a.value === b.value || withoutDigests(a.value) === withoutDigests(b.value));
  if (a.kind === 'seq')
    return (
      b.kind === 'seq' && a.items.length === b.items.length && a.items.every((item, i) => sameValues(item, b.items[i]))
    );
  if (b.kind !== 'map') return false;
  const [old, now] = [a.entries.filter(isNoDigest), b.entries.filter(isNoDigest)];
  return (
    old.length === now.length &&
    old.every(({ key, value }, i) => key.value === now[i]?.key.value && sameValues(value, now[i]?.value))
  );
}

/** A digest of its own may come or go, and an empty one may be filled. */
const isNoDigest = ({ key, value }: { key: { value: string }; value: Node }): boolean =>
  !(value.kind === 'scalar' && /^(?:(?:sha256:)?[0-9a-f]{64})?$/.test(value.value) && /digest|^sha/i.test(key.value));
