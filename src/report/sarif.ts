// SARIF 2.1.0, as GitHub code scanning and others read it. OASIS sarif-v2.1.0, sections 3.13 to
// 3.30.
import { inRepository, uriOf } from './paths.ts';
import type { PrintSettings, Report } from './report.ts';
import { RULES } from './rules.ts';

declare module './report.ts' {
  interface Formats {
    sarif: true;
  }
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

export function printSarif(shown: Report, settings: PrintSettings): string {
  const report = inRepository(shown, settings);
  const ids = Object.keys(RULES);
  const rules = Object.entries(RULES).map(([id, { title, help }]) => ({
    id,
    shortDescription: { text: title },
    help: { text: help || title, markdown: help || title },
  }));
  const results = report.findings.map((finding) => ({
    ruleId: finding.rule,
    ruleIndex: ids.indexOf(finding.rule),
    level: finding.level,
    message: { text: finding.image === undefined ? finding.message : `${finding.image}: ${finding.message}` },
    locations: locations(finding),
    // The same image in the same file is the same alert, also when lines above it come or go.
    partialFingerprints: { 'tagproof/v1': `${finding.rule} ${finding.file ?? ''} ${finding.image ?? ''}` },
  }));
  const notifications = report.problems.map((problem) => ({
    descriptor: { id: problem.code },
    level: 'error',
    message: {
      text: problem.where.image === undefined ? problem.message : `${problem.where.image}: ${problem.message}`,
    },
    locations: locations(problem.where),
  }));
  const run = {
    tool: { driver: { name: 'tagproof', version: settings.version(), rules } },
    columnKind: 'utf16CodeUnits',
    invocations: [{ executionSuccessful: report.problems.length === 0, toolExecutionNotifications: notifications }],
    results,
    // A property bag (section 3.8): a log without results must say what was looked at.
    ...(report.coverage !== undefined && { properties: { summary: report.summary, coverage: report.coverage } }),
  };
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`;
}

function locations({
  file,
  line,
  column,
  endColumn,
}: {
  file?: string;
  line?: number;
  column?: number;
  endColumn?: number;
}): object[] {
  if (file === undefined) return [];
  const region = { startLine: line ?? 1, startColumn: column ?? 1, ...(endColumn !== undefined && { endColumn }) };
  return [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, region } }];
}
