// tagproof policy test: runs the cases of a policy, without network.
import { readNamed } from '../../file.ts';
import { CasesSchema, runCase } from '../../policy/cases.ts';
import type { Config } from '../../policy/config.ts';
import { parseYamlFile, positionOf } from '../../policy/yaml-file.ts';
import { asProblem, Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Finding, Report } from '../../report/report.ts';

const DEFAULT_FILE = 'tagproof.test.yaml';

export function testPolicy(config: Config, files: readonly string[]): Report {
  if (config.rules.length === 0)
    throw new Problem('usage', 'there are no rules to test: write rules into tagproof.yaml');
  const rows: Cell[][] = [];
  const findings: Finding[] = [];
  const problems: Problem[] = [];
  const results: object[] = [];
  for (const file of files.length === 0 ? [DEFAULT_FILE] : files) {
    try {
      const source = readNamed(file).toString('utf8');
      for (const [index, test] of parseYamlFile(source, file, CasesSchema).cases.entries()) {
        const { decision, wrong } = runCase(test, config, new Date());
        rows.push([
          { text: wrong === undefined ? 'ok' : 'not ok', style: wrong === undefined ? 'good' : 'bad' },
          test.name,
          { text: decision.outcome, style: 'dim' },
        ]);
        results.push({ file, name: test.name, ok: wrong === undefined, decision });
        if (wrong !== undefined)
          findings.push({
            rule: 'policy-test',
            level: 'error',
            file,
            ...positionOf(source, ['cases', index]),
            message: `${test.name}: ${wrong}`,
            image: test.image,
          });
      }
    } catch (error) {
      problems.push(asProblem(error, 'file', { file }));
    }
  }
  return {
    command: 'policy test',
    sections: rows.length === 0 ? [] : [{ head: [], rows }],
    findings,
    problems,
    summary: [`${rows.length - findings.length} of ${plural(rows.length, 'case')} as expected`],
    data: { cases: results },
  };
}
