// The table of output formats: one row for each. A new format is one file, which declares its name
// in `Formats` of report.ts, and one row here; without the row nothing compiles. Only text is
// loaded from the start: most runs print nothing else.
import type { Format, Printer } from './report.ts';
import { printText } from './text.ts';

export const PRINTERS: Readonly<Record<Format, () => Promise<Printer>>> = {
  text: async () => printText,
  json: async () => (await import('./json.ts')).printJson,
  sarif: async () => (await import('./sarif.ts')).printSarif,
  github: async () => (await import('./github.ts')).printGithub,
  markdown: async () => (await import('./markdown.ts')).printMarkdown,
  junit: async () => (await import('./junit.ts')).printJunit,
};

/** What `--output` takes, in the order of the help text. */
export const FORMATS = Object.keys(PRINTERS) as Format[];
