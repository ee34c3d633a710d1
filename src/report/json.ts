// JSON for programs: everything that the command knows, under stable names.
import { exitCode, type Report } from './report.ts';

declare module './report.ts' {
  interface Formats {
    json: true;
  }
}

export function printJson(report: Report): string {
  const { command, data, findings, listing, problems, summary, diff } = report;
  const body = {
    command,
    ...data,
    ...(listing !== 'counts' && { findings }),
    problems,
    summary,
    ...(diff !== undefined && { diff }),
    exitCode: exitCode(report),
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
