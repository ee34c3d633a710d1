// GitHub Actions workflow commands: annotations on the lines of a pull request.
import { groupFindings, placesLine } from './group.ts';
import { inRepository } from './paths.ts';
import type { Level, PrintSettings, Report } from './report.ts';
import { RULES } from './rules.ts';

declare module './report.ts' {
  interface Formats {
    github: true;
  }
}

const COMMANDS: Record<Level, string> = { error: 'error', warning: 'warning', note: 'notice' };

/** GitHub shows so many annotations of a kind for each step, and drops the rest without a word. */
const SHOWN = 10;

/** One annotation an image and rule, at its first place; those with the most places first, because GitHub shows the first ten. */
export function printGithub(shown: Report, settings: PrintSettings): string {
  const report = inRepository(shown, settings);
  const problems = report.problems.map(({ message, where: { image, ...place } }) =>
    command('error', place, image === undefined ? message : `${image}: ${message}`),
  );
  const groups = groupFindings(report.findings).sort((a, b) => b.places.length - a.places.length);
  const findings = groups.map(({ first: { level, rule, message, image, ...place }, places }) => {
    const [, ...more] = places;
    const others = more.length === 0 ? '' : ` (also ${placesLine(more)})`;
    const text = (image === undefined ? message : `${image}: ${message}`) + others;
    return command(COMMANDS[level], { ...place, title: RULES[rule].title }, text);
  });
  return [...problems, ...findings, ...report.summary].map((line) => `${line}\n`).join('');
}

/** Whether GitHub drops some of the annotations of this report. */
export function exceedsAnnotations({ findings, problems }: Report): boolean {
  const levels: Level[] = [
    ...groupFindings(findings).map(({ first }) => first.level),
    ...problems.map(() => 'error' as const),
  ];
  return [...Map.groupBy(levels, (level) => level).values()].some((same) => same.length > SHOWN);
}

/** Escapes as the runner unescapes them (actions/toolkit, command.ts). */
function command(
  name: string,
  place: { file?: string; line?: number; column?: number; endColumn?: number; title?: string },
  message: string,
): string {
  const { file, line, column, endColumn, title } = place;
  const properties = Object.entries({ file, line, col: column, endColumn, title })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escaped(String(value)).replace(/:/g, '%3A').replace(/,/g, '%2C')}`)
    .join(',');
  return `::${name} ${properties}::${escaped(message)}`;
}

function escaped(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}
