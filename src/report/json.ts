// For programs: everything the verb knows, under stable names.
import { exitCode, type Report } from './report.ts';

export function printJson(report: Report): string {
  const { command: verb, data, findings, problems, summary, diff } = report;
  const body = {
    verb,
    ...data,
    findings,
    problems,
    summary,
    ...(diff !== undefined && { diff }),
    exitCode: exitCode(report),
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
