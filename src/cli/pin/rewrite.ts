// Applies edits to the files they were planned for: as a diff, in place, or to standard output.
import { resolve } from 'node:path';
import type { Edit } from '../../flow.ts';
import { asProblem, Problem } from '../../problem.ts';
import { unifiedDiff } from '../../source/diff.ts';
import { applyEdits, replaceFile } from '../../source/edit.ts';
import type { FileResult } from '../../source/find.ts';
import { readBounded } from '../../source/read.ts';
import { decode } from '../../source/text.ts';

export type Planned = { readonly result: FileResult; readonly edits: readonly Edit[] };
export type RewriteResult = { changed: string[]; diff: string; problems: Problem[] };

/** @param write false: only the diff is made. A file that cannot be written costs only itself. */
export function rewriteFiles(planned: readonly Planned[], write: boolean): RewriteResult {
  const rewritten: RewriteResult = { changed: [], diff: '', problems: [] };
  for (const { result, edits } of planned) {
    if (edits.length === 0) continue;
    const { file } = result;
    try {
      const path = resolve(file);
      const { bytes, stamp } = readBounded(path, file);
      if (stamp !== result.stamp)
        throw new Problem('changed', 'the file changed while tagproof worked on it; run again', { file });
      const text = decode(bytes, file);
      if (write) replaceFile(path, bytes, applyEdits(text, edits), process.cwd());
      else rewritten.diff += unifiedDiff(file, text, edits);
      rewritten.changed.push(file);
    } catch (error) {
      const problem = asProblem(error, 'file', { file });
      rewritten.problems.push(new Problem(problem.code, problem.message, { ...problem.where, file }, problem.cause));
    }
  }
  return rewritten;
}
