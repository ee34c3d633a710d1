// From edits to changes of whole files: read again, edited, and proved to differ nowhere else.
import { resolve } from 'node:path';
import type { Change } from '../../commit/change.ts';
import type { Edit } from '../../flow.ts';
import { asProblem, Problem } from '../../problem.ts';
import { unifiedDiff } from '../../source/diff.ts';
import { applyEdits } from '../../source/edit.ts';
import type { FileResult } from '../../source/find.ts';
import { readBounded } from '../../source/read.ts';
import { decode, encodeLike } from '../../source/text.ts';

export type Planned = { readonly result: FileResult; readonly edits: readonly Edit[] };
export type Rewrite = {
  readonly changes: readonly Change[];
  readonly diff: string;
  /** The edits of these files contradict each other. It costs only these files. */
  readonly refused: readonly Problem[];
  /** Files that changed since they were searched, or cannot be read. Then nothing may be written. */
  readonly stopped: readonly Problem[];
};

/** @param wantsDiff a diff costs as much as the edits, and only --diff shows it */
export function planRewrite(planned: readonly Planned[], wantsDiff: boolean): Rewrite {
  const changes: Change[] = [];
  const problems: Problem[] = [];
  let diff = '';
  for (const { result, edits } of planned) {
    if (edits.length === 0) continue;
    const { file } = result;
    try {
      const { bytes, stamp } = readBounded(resolve(file), file);
      if (stamp !== result.stamp)
        throw new Problem('changed', 'the file changed while tagproof worked on it; run again', { file });
      const text = decode(bytes, file);
      const after = encodeLike(applyEdits(text, edits), bytes);
      if (wantsDiff) diff += unifiedDiff(file, text, edits);
      changes.push({ kind: 'replace', file, root: process.cwd(), before: bytes, after });
    } catch (error) {
      const { code, message, where, cause } = asProblem(error, 'file', { file });
      problems.push(new Problem(code, message, { ...where, file }, cause));
    }
  }
  return {
    changes,
    diff,
    refused: problems.filter(({ code }) => code === 'conflict'),
    stopped: problems.filter(({ code }) => code !== 'conflict'),
  };
}
