// Rows of the ledger as the API shows them: without the columns that only its tables need. Pure.
import type { RunInterval, TagInterval } from '../ledger/ledger.ts';

/** A row is read with its number; a run also has its place in the tree of intervals. */
type Numbered<T> = T & { readonly id?: unknown };

export const shownRun = ({ id: _, node: __, ...run }: Numbered<RunInterval>) => run;
export const shownTag = ({ id: _, ...tag }: Numbered<TagInterval>) => tag;
