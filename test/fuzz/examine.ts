// The promise of pin, unpin and check for one file: every place is spelled, every edit right or refused, every byte given back.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isTarget, planEdits } from '../../src/cli/pin/pin-targets.ts';
import { type Planned, planRewrite } from '../../src/cli/pin/rewrite.ts';
import type { Found } from '../../src/flow.ts';
import { Problem } from '../../src/problem.ts';
import { dialectOf } from '../../src/source/dialects.ts';
import { unpinEdit } from '../../src/source/edit.ts';
import { type FileResult, findIn } from '../../src/source/find.ts';
import { readOne } from '../../src/source/read.ts';
import { decode, encodeLike } from '../../src/source/text.ts';
import type { FuzzCase } from './generate.ts';
import { answersFor, digestFor } from './image-names.ts';
import { otherDifference, type Strip } from './oracle.ts';

/** `refused`: tagproof leaves the file as it is, and says why. */
export type Outcome = { readonly state: 'pinned' | 'nothing' | 'refused' | 'unreadable'; readonly why?: string };

/** A broken promise. `kind` is the same for inputs that break it in the same way. */
export class Fault extends Error {
  readonly kind: string;
  constructor(kind: string, detail = '') {
    super(`${kind}${detail === '' ? '' : `: ${detail}`}`);
    this.kind = kind;
  }
}

const OPTIONS = { fields: [], argsAndEnv: false };
/** What pin without --update takes, where the lock knows nothing. */
const PLAIN = { update: false, edited: new Set<Found>() };
/** What a file can have wrong, so that it is left alone. */
const OF_THE_FILE = new Set(['syntax', 'limit', 'encoding']);

/**
 * Pins and unpins one file in the current folder, by the functions of the commands.
 * @throws Fault
 */
export async function examine({ file, bytes, images }: FuzzCase): Promise<Outcome> {
  write(file, bytes);
  const before = await read(file);
  demandAll(images, before);
  const text = textOf(bytes, file);
  // A search costs more than all else here, so a part of the cases has a second one.
  if (text !== undefined && text.length % 3 === 0) await demandNoShortcut(text, file, before);
  if (before === undefined) return { state: 'nothing' };
  const broken = before.problems.find(({ code }) => !OF_THE_FILE.has(code));
  if (broken !== undefined) throw new Fault('a file has an unexpected problem', String(broken));
  if (text === undefined) return { state: 'unreadable' };
  demandPlaces(text, before);

  const targets = before.found.filter((found) => isTarget(found, new Map(), PLAIN));
  const digests = targets.map(digestFor);
  const plan = planEdits({ results: [before] } as never, targets, answersFor(targets)).planned;
  const pinned = await rewrite(file, bytes, plan);
  if (typeof pinned === 'string') return { state: 'refused', why: pinned };
  if (pinned === undefined) return { state: before.problems.length > 0 ? 'unreadable' : 'nothing' };

  const after = decode(pinned, file);
  const strip = stripper(digests);
  const other = otherDifference(text, after, strip);
  if (other !== undefined) throw new Fault(`pin: ${other}`);
  write(file, pinned);
  const again = await read(file);
  if (again === undefined) throw new Fault('after pin nothing is found');
  demandPlaces(after, again);
  demandPinned(before, again, targets);
  const more = await rewrite(
    file,
    pinned,
    planEdits(
      { results: [again] } as never,
      again.found.filter((found) => isTarget(found, new Map(), PLAIN)),
      answersFor(again.found),
    ).planned,
  );
  if (more !== undefined) throw new Fault('pin again changes the file', typeof more === 'string' ? more : '');
  await demandWayBack(file, { before, again, pinned, bytes });
  return { state: 'pinned' };
}

/** Unpin of what pin wrote gives the old bytes; unpin of everything gives the same as without the pin. */
async function demandWayBack(
  file: string,
  { before, again, pinned, bytes }: { before: FileResult; again: FileResult; pinned: Buffer; bytes: Buffer },
): Promise<void> {
  const written = again.found.filter((_, index) => before.found[index]?.reference.digest === undefined);
  const back = await rewrite(file, pinned, [unpinPlan(again, written)]);
  if (typeof back === 'string') throw new Fault('unpin refuses what pin wrote', back);
  if (back === undefined || !back.equals(bytes)) throw new Fault('unpin does not give the old bytes');
  // Where the file had no digest of its own, that is the same.
  if (written.length === again.found.length) return;
  const bare = await rewrite(file, pinned, [unpinPlan(again, again.found)]);
  write(file, bytes);
  const direct = await rewrite(file, bytes, [unpinPlan((await read(file)) as FileResult, before.found)]);
  if (typeof bare === 'string' || typeof direct === 'string') return;
  if (!(bare ?? pinned).equals(direct ?? bytes)) throw new Fault('unpin of everything depends on what pin wrote');
}

function unpinPlan(result: FileResult, places: readonly Found[]): Planned {
  const changes = places.flatMap((found) => {
    const edit = unpinEdit(found);
    return edit === undefined ? [] : [{ found, edit, digest: undefined }];
  });
  return { result, changes };
}

/** @returns the new bytes, why the file is refused, or undefined where nothing changes */
async function rewrite(file: string, bytes: Buffer, planned: readonly Planned[]): Promise<Buffer | string | undefined> {
  const { changes, refused, stopped } = await planRewrite(planned, {
    wantsDiff: false,
    options: OPTIONS,
    top: process.cwd(),
  });
  if (stopped.length > 0) throw new Fault('one file stops the whole run', String(stopped[0]));
  const [reason] = refused;
  if (reason !== undefined) return reason.message;
  const [change] = changes;
  if (change === undefined) return undefined;
  if (change.kind !== 'replace' || !change.before.equals(bytes)) throw new Fault('the edit is of other bytes', file);
  return Buffer.from(change.after);
}

async function read(file: string): Promise<FileResult | undefined> {
  try {
    return await readOne(file, process.cwd(), OPTIONS);
  } catch (error) {
    throw new Fault('the search throws', (error as Error).stack);
  }
}

function textOf(bytes: Buffer, file: string): string | undefined {
  try {
    const text = decode(bytes, file);
    if (!encodeLike(text, bytes).equals(bytes)) throw new Fault('the text does not encode to its bytes');
    return text;
  } catch (error) {
    if (error instanceof Problem && OF_THE_FILE.has(error.code)) return undefined;
    throw error;
  }
}

/** Every place is where it says, and spells what it says or cannot be pinned. */
function demandPlaces(text: string, { found, skipped }: FileResult): void {
  const lines = text.split('\n');
  for (const { start, end, line, column } of [...found, ...skipped]) {
    if (!(start >= 0 && start <= end && end <= text.length))
      throw new Fault('a place is outside the text', `${start}–${end}`);
    const offset = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, column - 1);
    if (offset !== start) throw new Fault('line and column are not those of the place', `${line}:${column}`);
  }
  for (const { start, end, reference, slot } of found) {
    const span = text
      .slice(start, end)
      .replace(/^oci:\/\//, '')
      .replaceAll('\\/', '/');
    const isWhole = slot.pin?.at === end || slot.digest?.[1] === end;
    const spelled = isWhole ? reference.text.endsWith(span) : reference.text.includes(span);
    if (!spelled && slot.blocked === undefined)
      throw new Fault('a place does not spell its reference', `${reference.text} at '${span.slice(0, 80)}'`);
  }
}

/** What is passed over without being parsed, or left out of a tree, names no image: a search that takes no shortcut finds the same. */
async function demandNoShortcut(text: string, file: string, result: FileResult | undefined): Promise<void> {
  const whole = await findIn(
    text,
    file,
    { fields: [{ paths: ['no.such.field'] }], argsAndEnv: false },
    dialectOf(file),
  );
  const show = ({ path, start, end, reference }: Found) => `${path} ${start} ${end} ${reference.text}`;
  const [expected, found] = [whole.found.map(show).join('\n'), (result?.found ?? []).map(show).join('\n')];
  if (found !== expected) throw new Fault('a shortcut of the search changes what is found', `${found} / ${expected}`);
}

/** No image of an undamaged file vanishes without a word. */
function demandAll(images: readonly string[], result: FileResult | undefined): void {
  if (result !== undefined && result.problems.length > 0) return;
  const said = new Set([
    ...(result?.found ?? []).map(({ reference }) => reference.text),
    ...(result?.skipped ?? []).map(({ text }) => text.trim()),
  ]);
  const silent = images.find((image) => !said.has(image) && !said.has(`${image.slice(0, 200)}…`));
  if (silent !== undefined) throw new Fault('an image is passed over in silence', silent);
}

/** The same places, each wanted one with its digest. */
function demandPinned(before: FileResult, again: FileResult, targets: readonly Found[]): void {
  if (before.found.length !== again.found.length) throw new Fault('other places are found after pin');
  for (const [index, found] of before.found.entries()) {
    const now = again.found[index] as Found;
    const digest = targets.includes(found) ? digestFor(found) : found.reference.digest;
    if (
      now.path !== found.path ||
      now.reference.name !== found.reference.name ||
      now.reference.tag !== found.reference.tag
    )
      throw new Fault('a place is another one after pin', `${found.path} ${now.path}`);
    if (now.reference.digest !== digest) throw new Fault('a place has another digest after pin', found.path);
  }
}

/** Digests of this file's pins, in each form in which one can be written. */
function stripper(digests: readonly string[]): Strip {
  if (digests.length === 0) return (text) => text;
  const hex = `(?:${[...new Set(digests)].map((digest) => digest.slice(digest.indexOf(':') + 1)).join('|')})`;
  const forms = new RegExp(
    `(?:\\r\\n?|\\n)[ \\t]*digest: sha256:${hex}(?=\\r|\\n|$)|@sha256:${hex}|sha256:${hex}|${hex}`,
    'g',
  );
  return (text) => text.replaceAll(forms, '');
}

function write(file: string, bytes: Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
