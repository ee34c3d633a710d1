// The summary page of a GitHub job: what does not fit into the ten annotations that a step may show.
import { appendFileSync } from 'node:fs';
import { exceedsAnnotations } from '../../report/github.ts';
import { printMarkdown } from '../../report/markdown.ts';
import type { Report } from '../../report/report.ts';

/** GitHub refuses a summary of more than 1 MiB, and then shows none of it. */
const MAX_CHARACTERS = 250_000;

/** @param file what GITHUB_STEP_SUMMARY names; @returns a line that says where the rest is, where there is one */
export function writeJobSummary(report: Report, file: string | undefined): string | undefined {
  if (!exceedsAnnotations(report)) return undefined;
  const shows = 'GitHub shows ten annotations of a kind for each step';
  if (file === undefined || file === '') return `${shows}; this log has all`;
  const text = printMarkdown(report);
  const end = text.length <= MAX_CHARACTERS ? text.length : text.lastIndexOf('\n', MAX_CHARACTERS) + 1;
  try {
    appendFileSync(file, text.slice(0, end) + (end < text.length ? '\n…the log of the step has the rest.\n' : ''));
  } catch (error) {
    return `${shows}; the summary of the job could not be written: ${(error as Error).message}`;
  }
  return `${shows}; the summary of the job has all`;
}
