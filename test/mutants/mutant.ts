// A mutant: one single fault in the source that a test must notice. Each core has a file of them beside this one.

export type Mutant = {
  /** What the fault is, in words that a security engineer would use: 'credentials go to a look-alike domain'. */
  readonly name: string;
  /** Path of the source file from the repository's root. */
  readonly file: string;
  /** Text that occurs exactly once in the file; `to` takes its place. */
  readonly from: string;
  readonly to: string;
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[];
  /** Number in docs/threats.md that the check stands for, as `T25`. */
  readonly threat?: string;
};
