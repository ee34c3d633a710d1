// Text for a person at a terminal: tables, or findings by file, then the conclusion. Colour only
// where it is wanted.
import { stripVTControlCharacters, styleText } from 'node:util';
import { type FindingGroup, firstPlaces, groupFindings } from './group.ts';
import {
  type Cell,
  type Finding,
  type Level,
  type PrintSettings,
  type Report,
  type Section,
  type Style,
  unreportedFindings,
} from './report.ts';

const COLOURS: Record<Style, Parameters<typeof styleText>[0]> = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  bold: 'bold',
};
const LEVELS: Record<Level, Style> = { error: 'bad', warning: 'warn', note: 'dim' };

/** Problems are apart from the report, because they go to standard error. */
export function printText(report: Report, { colour }: PrintSettings): { report: string; problems: string } {
  return { report: printReport(report, colour.report), problems: printProblems(report, colour.problems) };
}

function printReport(report: Report, colour: boolean): string {
  const paint = (text: string, style: Style) =>
    colour ? styleText(COLOURS[style], text, { validateStream: false }) : text;
  const parts: string[] = [];
  if (report.diff) parts.push(colour ? colourDiff(report.diff, paint) : report.diff);
  for (const section of [...report.sections, ...sectionsOf(unreportedFindings(report))])
    parts.push(printSection(section, paint));
  if (report.summary.length > 0)
    parts.push(`${report.summary.map((line, i) => (i === 0 ? paint(line, 'bold') : line)).join('\n')}\n`);
  return parts.join('\n');
}

/** One problem a line. */
function printProblems(report: Report, colour: boolean): string {
  const label = colour ? styleText('red', 'error:', { validateStream: false }) : 'error:';
  return report.problems.map((problem) => `${label} ${problem}\n`).join('');
}

/** What is at one place, by file; then what is at many, each with its places. */
function sectionsOf(findings: readonly Finding[]): Section[] {
  const groups = groupFindings(findings);
  const single = groups.filter(({ places }) => places.length === 1).map(({ first }) => first);
  return [...byFile(single), ...groups.filter(({ places }) => places.length > 1).map(byPlace)];
}

function byPlace({ first: { level, rule, image, message }, places }: FindingGroup): Section {
  const { named, more } = firstPlaces(places);
  return {
    title: short(`${image}: ${message}`),
    head: [],
    rows: [
      [{ text: `${level}, ${places.length} places, ${rule}`, style: LEVELS[level] }],
      ...[...named, more].filter(Boolean).map((place): Cell[] => [{ text: place, style: 'dim' }]),
    ],
  };
}

function byFile(findings: readonly Finding[]): Section[] {
  const groups = Map.groupBy(findings, ({ file }) => file ?? '');
  return [...groups].map(([file, group]) => ({
    ...(file !== '' && { title: file }),
    head: [],
    rows: group.map(({ line, column, level, message, image, rule }): Cell[] => [
      ...(file === '' ? [] : [{ text: `${line ?? 1}:${column ?? 1}`, style: 'dim' as const }]),
      { text: level, style: LEVELS[level] },
      short(image === undefined ? message : `${image}: ${message}`),
      { text: rule, style: 'dim' },
    ]),
  }));
}

/** A person recognises a digest by its first digits. The other formats print all of it. */
export function short(text: string): string {
  return text.replace(/(sha\d+:[a-f0-9]{12})[a-f0-9]{52,}/g, '$1…');
}

function printSection({ title, head, rows }: Section, paint: (text: string, style: Style) => string): string {
  const table: Cell[][] = [
    ...(head.some(Boolean) ? [head.map((text) => ({ text, style: 'dim' as const }))] : []),
    ...rows.map((row) => [...row]),
  ];
  const widths: number[] = [];
  for (const row of table)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, clean(cell).length);
  const indent = title === undefined ? '' : '  ';
  const lines = table.map((row) => {
    const cells = row.map((cell, i) => {
      const text = clean(cell).padEnd(i === row.length - 1 ? 0 : (widths[i] as number));
      return typeof cell === 'string' ? text : paint(text, cell.style);
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
  return `${[...(title === undefined ? [] : [paint(title, 'bold')]), ...lines].join('\n')}\n`;
}

/** Text from files and registries must not control the terminal. */
function clean(cell: Cell): string {
  return stripVTControlCharacters(typeof cell === 'string' ? cell : cell.text).replace(/[\x00-\x1f\x7f]/g, ' ');
}

function colourDiff(diff: string, paint: (text: string, style: Style) => string): string {
  const style = (line: string): Style | undefined => {
    if (/^(---|\+\+\+) /.test(line)) return 'bold';
    if (line.startsWith('+')) return 'good';
    if (line.startsWith('-')) return 'bad';
    return line.startsWith('@@') ? 'dim' : undefined;
  };
  return diff
    .split('\n')
    .map((line) => {
      const found = style(line);
      return found === undefined ? line : paint(line, found);
    })
    .join('\n');
}
