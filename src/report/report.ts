// What every verb has to say, before anybody decides how to print it.
import type { Problem } from '../problem.ts';
import type { RuleId } from './rules.ts';

export type Level = 'error' | 'warning' | 'note';

/** Something about one image that a person should act on. Levels error and warning make the exit code 1. */
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
  readonly command: string;
  /** Tables for text and markdown. */
  readonly sections: readonly Section[];
  /** The sections tell the findings too: text and markdown need not list them again. */
  readonly findingsInSections?: boolean;
  readonly findings: readonly Finding[];
  /** What could not be done or checked; any makes the exit code 2. */
  readonly problems: readonly Problem[];
  /** Closing lines: the conclusion first. */
  readonly summary: readonly string[];
  /** The verb's own results, for --output json. */
  readonly data: object;
  /** A unified diff, where the verb makes one. */
  readonly diff?: string;
};

/** The findings that text and markdown list below the sections; a diff tells by itself what would change. */
export function unreportedFindings({ findings, findingsInSections: told, diff }: Report): readonly Finding[] {
  if (told) return [];
  return diff === undefined ? findings : findings.filter(({ rule }) => rule !== 'would-change');
}

/** 0 fine, 1 findings, 2 something could not be done or checked. */
export function exitCode({ findings, problems }: Report): 0 | 1 | 2 {
  if (problems.length > 0) return 2;
  return findings.some(({ level }) => level !== 'note') ? 1 : 0;
}
