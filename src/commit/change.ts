// What a command wants written, and what became of it.
import type { Problem } from '../problem.ts';

export type Change = {
  /** As the user named it: every message about it uses this name. */
  readonly file: string;
  /** A symbolic link is followed only to a target below this folder; undefined: to any target. */
  readonly root?: string;
  /** Creates the folder too. Only for files that belong to tagproof itself. */
  readonly makeFolder?: boolean;
} & (
  | { readonly kind: 'create'; readonly after: string | Buffer }
  /** `before`: the bytes that `after` was made from. The file must still hold them. */
  | { readonly kind: 'replace'; readonly before: Buffer; readonly after: string | Buffer }
  /**
   * For a file that several processes add to. `merge` gets what the file holds now (undefined: no such file)
   * while no other tagproof can write it; it returns the new content, or undefined where nothing changes.
   */
  | { readonly kind: 'merge'; readonly merge: (now: Buffer | undefined) => string | Buffer | undefined }
);

/**
 * `written`: the new bytes · `unchanged`: the old ones, never touched · `restored`: the old ones, put back ·
 * `unknown`: the file system answers neither, so a person must look.
 */
export type FileState = 'written' | 'unchanged' | 'restored' | 'unknown';

export type CommitOutcome = {
  readonly files: readonly { readonly file: string; readonly state: FileState }[];
  /** What comes after the files: a ledger entry, a patch in a cluster. */
  readonly steps: readonly { readonly name: string; readonly state: 'done' | 'failed' | 'not tried' }[];
  readonly problems: readonly Problem[];
  /** What the user should know although all went well: hard links, a new owner, leftovers that were removed. */
  readonly notes: readonly string[];
};

export type CommitStep = {
  /** What the report calls it: `the ledger entry`. */
  readonly name: string;
  readonly run: () => Promise<unknown>;
  /** It runs even when a step before it failed. */
  readonly independent?: boolean;
};
