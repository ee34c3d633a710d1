// GitHub Actions workflow commands: annotations on the lines of a pull request.
import { inRepository } from './paths.ts';
import type { Level, PrintSettings, Report } from './report.ts';
import { RULES } from './rules.ts';

declare module './report.ts' {
  interface Formats {
    github: true;
  }
}

const COMMANDS: Record<Level, string> = { error: 'error', warning: 'warning', note: 'notice' };

export function printGithub(shown: Report, settings: PrintSettings): string {
  const report = inRepository(shown, settings);
  const findings = report.findings.map(({ level, rule, message, image, ...place }) =>
    command(
      COMMANDS[level],
      { ...place, title: RULES[rule].title },
      image === undefined ? message : `${image}: ${message}`,
    ),
  );
  const problems = report.problems.map(({ message, where: { image, ...place } }) =>
    command('error', place, image === undefined ? message : `${image}: ${message}`),
  );
  return [...findings, ...problems, ...report.summary].map((line) => `${line}\n`).join('');
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
