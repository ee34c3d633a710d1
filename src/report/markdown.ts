// Markdown for a comment on a pull request or the summary page of a job.
import { groupFindings, placesLine } from './group.ts';
import { type Cell, type Report, unreportedFindings } from './report.ts';

declare module './report.ts' {
  interface Formats {
    markdown: true;
  }
}

export function printMarkdown(report: Report): string {
  const parts: string[] = [`### tagproof ${report.command}`];
  const [conclusion, ...more] = report.summary;
  if (conclusion !== undefined) parts.push(`**${escaped(conclusion)}**`);
  for (const { title, head, rows } of report.sections) {
    if (title !== undefined) parts.push(`#### \`${title}\``);
    const width = Math.max(head.length, ...rows.map((row) => row.length));
    parts.push(
      table(
        Array.from({ length: width }, (_, i) => head[i] ?? ''),
        rows,
      ),
    );
  }
  const findings = unreportedFindings(report);
  if (findings.length > 0) {
    const rows = groupFindings(findings).map(({ first: { level, image, message, rule }, places }) => [
      placesLine(places),
      level,
      image ?? '',
      message,
      rule,
    ]);
    parts.push(table(['where', 'level', 'image', 'what', 'rule'], rows));
  }
  if (report.diff) parts.push(`\`\`\`\`diff\n${report.diff.trimEnd()}\n\`\`\`\``);
  if (report.problems.length > 0)
    parts.push(
      `#### Could not be done\n\n${report.problems.map((problem) => `- ${escaped(String(problem))}`).join('\n')}`,
    );
  parts.push(...more.map(escaped));
  return `${parts.join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) =>
    `| ${cells.map((cell) => escaped(typeof cell === 'string' ? cell : cell.text)).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}
