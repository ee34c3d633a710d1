// A report with the paths that servers know: from the top of the repository, whatever folder the command ran in. Pure.
import type { PrintSettings, Report } from './report.ts';

/** For the formats that a server reads beside the repository: SARIF, annotations, JUnit. */
export function inRepository(report: Report, { pathInRepository }: Pick<PrintSettings, 'pathInRepository'>): Report {
  const moved = <T extends { readonly file?: string }>(place: T): T =>
    place.file === undefined ? place : { ...place, file: pathInRepository(place.file) };
  return {
    ...report,
    findings: report.findings.map(moved),
    problems: report.problems.map((problem) => problem.moved(moved(problem.where))),
  };
}

/** RFC 3986: a path from the top as a relative reference, another one as a file URI. */
export function uriOf(path: string): string {
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  if (path.startsWith('/')) return `file://${escaped}`;
  return /^[A-Za-z]:\//.test(path) ? `file:///${escaped}` : escaped;
}
