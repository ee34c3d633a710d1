// `--summary`: how many findings there are by rule and by image, instead of a list. Pure.
import type { Finding, Report, Section } from './report.ts';

type Counted = { readonly findings: number; readonly files: number };
export type Counts = {
  readonly byRule: readonly (Counted & Pick<Finding, 'rule' | 'level'>)[];
  readonly byImage: readonly (Counted & { readonly image: string })[];
};

/** The most frequent first. */
export function countFindings(findings: readonly Finding[]): Counts {
  return {
    byRule: counted(findings, ({ rule, level }) => `${rule} ${level}`).map(([{ rule, level }, count]) => ({
      rule,
      level,
      ...count,
    })),
    byImage: counted(
      findings.filter(({ image }) => image !== undefined),
      ({ image }) => image as string,
    ).map(([{ image = '' }, count]) => ({ image, ...count })),
  };
}

function counted(findings: readonly Finding[], keyOf: (finding: Finding) => string): [Finding, Counted][] {
  return [...Map.groupBy(findings, keyOf).values()]
    .map((group): [Finding, Counted] => [
      group[0] as Finding,
      { findings: group.length, files: new Set(group.map(({ file }) => file)).size },
    ])
    .sort(([, a], [, b]) => b.findings - a.findings);
}

/** The same report with the counts in place of the list; its exit code stays. */
export function condense(report: Report): Report {
  const { byRule, byImage } = countFindings(report.findings);
  const cells = ({ findings, files }: Counted) => [String(findings), String(files)];
  const sections: Section[] = [
    {
      head: ['findings', 'files', 'level', 'rule'],
      rows: byRule.map((row) => [...cells(row), row.level, row.rule]),
    },
    { head: ['findings', 'files', 'image'], rows: byImage.map((row) => [...cells(row), row.image]) },
  ];
  return {
    ...report,
    sections: report.findings.length === 0 ? [] : sections,
    listing: 'counts',
    data: { ...report.data, counts: { byRule, byImage } },
  };
}
