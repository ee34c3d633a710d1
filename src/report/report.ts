// What a command reports, whatever the format it is printed in.
import type { Problem } from '../problem.ts';
import type { RuleId } from './rules.ts';

export type Level = 'error' | 'warning' | 'note';

/**
 * Something about one image that a person should act on. Levels error and warning make the exit
 * code 1.
 */
export type Finding = {
  readonly rule: RuleId;
  readonly level: Level;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly endColumn?: number;
  readonly image?: string;
};

export type Style = 'good' | 'bad' | 'warn' | 'dim' | 'bold';
export type Cell = string | { readonly text: string; readonly style: Style };
export type Section = {
  readonly title?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
};

export type Report = {
  /** The name of the command: `check`. */
  readonly command: string;
  /** Tables for text and markdown. */
  readonly sections: readonly Section[];
  /**
   * Where text and markdown have the findings. `sections`: these show them too, so they are not listed again. `counts`:
   * the sections have how many there are, and JSON has no list either.
   */
  readonly listing?: 'sections' | 'counts';
  readonly findings: readonly Finding[];
  /** What could not be done or checked. Any problem makes the exit code 2. */
  readonly problems: readonly Problem[];
  /** Closing lines: the conclusion first. */
  readonly summary: readonly string[];
  /** What the run looked at, in numbers, for the formats that have a place for properties. */
  readonly coverage?: Readonly<Record<string, number>>;
  /** The command's own results, for --output json. */
  readonly data: object;
  /** A unified diff, where the command makes one. */
  readonly diff?: string;
};

/**
 * The names of the output formats. Each printer declares its own name here (`declare module`), and
 * the table `PRINTERS` must have a row for every name.
 */
export interface Formats {
  readonly text: true;
}
export type Format = keyof Formats;

export type PrintSettings = {
  /**
   * The version of tagproof; a function, because only some formats print it and it costs a file.
   */
  readonly version: () => string;
  /**
   * The path of a file as git names it, with forward slashes; an absolute path for a file outside
   * of the repository. Where there is no repository: as it is.
   */
  readonly pathInRepository: (file: string) => string;
  /** Whether to colour the report itself, and the problems on standard error. */
  readonly colour: { readonly report: boolean; readonly problems: boolean };
};

/** @returns the report; of text, also the problems, which go to standard error */
export type Printer = (
  report: Report,
  settings: PrintSettings,
) => string | { readonly report: string; readonly problems: string };

/**
 * The findings that text and markdown list below the sections. A diff already shows what would
 * change.
 */
export function unreportedFindings({ findings, listing, diff }: Report): readonly Finding[] {
  if (listing !== undefined) return [];
  return diff === undefined ? findings : findings.filter(({ rule }) => rule !== 'would-change');
}

/** 0: no finding but notes. 1: findings. 2: something could not be done or checked. */
export function exitCode({ findings, problems }: Report): 0 | 1 | 2 {
  if (problems.length > 0) return 2;
  return findings.some(({ level }) => level !== 'note') ? 1 : 0;
}
