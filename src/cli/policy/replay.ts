// tagproof policy explain --replay: decides the log of the webhook again by the policy at hand,
// without network.
import { type EvidenceRecord, fromEvidenceRecord } from '../../evaluate/evidence-record.ts';
import { readNamed } from '../../file.ts';
import type { Decision, Resolution } from '../../flow.ts';
import { parseReference } from '../../image/reference.ts';
import type { Config } from '../../policy/config.ts';
import { decide } from '../../policy/decide.ts';
import { objections } from '../../policy/decision.ts';
import { policyHash } from '../../policy/hash.ts';
import { asProblem, Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';

/** One line of the log: one request to the webhook. */
type LogLine = {
  readonly at: string;
  readonly step?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly policy?: string;
  readonly decisions?: readonly LoggedDecision[];
};
type LoggedDecision = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
  readonly evidence?: EvidenceRecord;
  readonly bypass?: object;
};
type Replayed = {
  readonly line: LogLine;
  readonly logged: LoggedDecision;
  readonly now: Decision;
  readonly lineNumber: number;
};

/** @param files logs of the webhook, one JSON object a line; `-` is standard input */
export function replay(config: Config, files: readonly string[]): Report {
  if (files.length === 0) throw new Problem('usage', 'expected the log of the webhook: --replay decisions.log');
  const problems: Problem[] = [];
  const replayed: (Replayed & { file: string })[] = [];
  let skipped = 0;
  for (const file of files) {
    const text = readNamed(file === '-' ? '/dev/stdin' : file).toString('utf8');
    for (const [index, source] of text.split('\n').entries()) {
      if (source.trim() === '') continue;
      try {
        const line = JSON.parse(source) as LogLine;
        if (line.step !== 'validate') continue; // lines about the server itself, and the mutating step, which denies nothing
        for (const logged of line.decisions ?? []) {
          const now = decideAgain(config, line, logged);
          if (now === undefined) skipped++;
          else replayed.push({ file, line, logged, now, lineNumber: index + 1 });
        }
      } catch (error) {
        problems.push(asProblem(error, 'syntax', { file, line: index + 1 }));
      }
    }
  }
  const differ = replayed.filter(({ logged, now }) => logged.decision.outcome !== now.outcome);
  const policy = policyHash(config);
  const others = replayed.some(({ line }) => line.policy !== undefined && line.policy !== policy);
  return {
    command: 'policy explain',
    sections: [],
    findings: differ.map(({ file, lineNumber, line, logged, now }) => ({
      rule: 'replay-differs' as const,
      level: 'error' as const,
      file,
      line: lineNumber,
      image: logged.image,
      message: `${line.namespace}/${line.kind}/${line.name}: was ${logged.decision.outcome}, would be ${now.outcome}: ${objections(now) ?? objections(logged.decision) ?? ''}`,
    })),
    problems,
    summary: [
      `${plural(replayed.length, 'decision')} replayed: ${replayed.length - differ.length} the same, ${differ.length} ${differ.length === 1 ? 'differs' : 'differ'}${skipped > 0 ? `; ${skipped} were not made by rules (bypasses, invalid references)` : ''}`,
      ...(others ? ['the log was written under another policy'] : []),
    ],
    data: {
      policy,
      decisions: replayed.map(({ line, logged, now }) => ({
        at: line.at,
        namespace: line.namespace,
        kind: line.kind,
        name: line.name,
        image: logged.image,
        was: logged.decision.outcome,
        now,
      })),
    },
  };
}

/**
 * Decides at the time of the log, with the evidence of the log. @returns undefined for what no rule
 * decided
 */
function decideAgain(
  config: Config,
  line: LogLine,
  { image, digest, decision, evidence: record, bypass }: LoggedDecision,
): Decision | undefined {
  const byForm = decision.results.some(({ rule }) => rule === '(form)');
  const reference = parseReference(image);
  if (bypass !== undefined || byForm || reference instanceof Problem) return undefined;
  const resolved: Resolution =
    digest === undefined
      ? new Problem('unreachable', 'it was not resolved when the webhook decided')
      : { reference, digest, from: 'lock', at: line.at };
  const scope = {
    ...(line.namespace !== undefined && line.namespace !== '' && { namespace: line.namespace }),
    ...(line.kind !== undefined && { kind: line.kind }),
  };
  const evidence = record === undefined ? undefined : fromEvidenceRecord(record);
  return decide({ reference, resolved, evidence, policy: config, now: new Date(line.at), scope });
}
