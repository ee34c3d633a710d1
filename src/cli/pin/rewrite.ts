// From edits to changes of whole files: read again, edited, and proved to differ nowhere else.
import { resolve } from 'node:path';
import type { Change } from '../../commit/change.ts';
import type { Found } from '../../flow.ts';
import { asProblem, Problem } from '../../problem.ts';
import { unifiedDiff } from '../../source/diff.ts';
import { applyEdits } from '../../source/edit.ts';
import { type FileResult, type FindOptions, findIn } from '../../source/find.ts';
import { type ProvedChange, proveEdits, withEntries } from '../../source/prove.ts';
import { readBounded } from '../../source/read.ts';
import { decode, encodeLike } from '../../source/text.ts';

export type Planned = { readonly result: FileResult; readonly changes: readonly ProvedChange[] };
export type Rewrite = {
  readonly changes: readonly Change[];
  readonly diff: string;
  /** The edits of these files contradict each other, or cannot be proved. Only these files are left as they are. */
  readonly refused: readonly Problem[];
  /** Files that changed since they were searched, or cannot be read. Then nothing may be written. */
  readonly stopped: readonly Problem[];
};

export const editsOf = ({ changes }: Planned) => changes.map(({ edit }) => edit);

/**
 * Applies the edits to the text and proves them, with the text alone: what the deployment graph said about a place
 * decides what is written there, never whether it is proved.
 * @throws Problem `refused` or `conflict`
 */
export async function applyProved(text: string, { result, changes }: Planned, options: FindOptions): Promise<string> {
  const { file, named } = result;
  const after = applyEdits(
    text,
    changes.map(({ edit }) => edit),
  );
  const read = await findIn(text, file, options, named);
  const before = { ...withEntries(read, changes), ...(named !== undefined && { named }) };
  const keyOf = ({ document, path, start }: Found) => `${document} ${start} ${path}`;
  const places = new Map(before.found.map((found) => [keyOf(found), found]));
  const own = changes.map((change) => {
    const found = places.get(keyOf(change.found));
    const { line, column } = change.found;
    if (found === undefined)
      throw new Problem('refused', 'the place of an edit was not found again', { file, line, column });
    return { ...change, found };
  });
  await proveEdits({ text, after, before, changes: own, options });
  return after;
}

/**
 * @param wantsDiff a diff costs as much as the edits, and only --diff shows it
 * @param top links inside this folder are followed
 */
export async function planRewrite(
  planned: readonly Planned[],
  { wantsDiff, options, top }: { wantsDiff: boolean; options: FindOptions; top: string },
): Promise<Rewrite> {
  const changes: Change[] = [];
  const problems: Problem[] = [];
  let diff = '';
  for (const plan of planned) {
    if (plan.changes.length === 0) continue;
    const { result } = plan;
    const { file } = result;
    try {
      const { bytes, stamp } = readBounded(resolve(file), file);
      if (stamp !== result.stamp)
        throw new Problem('changed', 'the file changed while tagproof worked on it; run again', { file });
      const text = decode(bytes, file);
      const after = encodeLike(await applyProved(text, plan, options), bytes);
      if (wantsDiff) diff += unifiedDiff(file, text, editsOf(plan));
      changes.push({ kind: 'replace', file, root: top, before: bytes, after });
    } catch (error) {
      const { code, message, where, cause } = asProblem(error, 'file', { file });
      problems.push(new Problem(code, message, { ...where, file }, cause));
    }
  }
  return {
    changes,
    diff,
    refused: problems.filter(({ code }) => code === 'conflict' || code === 'refused'),
    stopped: problems.filter(({ code }) => code !== 'conflict' && code !== 'refused'),
  };
}
