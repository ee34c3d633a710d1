// tagproof policy explain --replay: the webhook's log decided again, by the policy at hand and without asking anybody.

import { type EvidenceRecord, fromEvidenceRecord } from '../../evaluate/evidence-record.ts';
import { readNamed } from '../../file.ts';
import type { Decision, Resolution } from '../../flow.ts';
import { parseReference } from '../../image/reference.ts';
import type { Config } from '../../policy/config.ts';
import { decide } from '../../policy/decide.ts';
import { objections } from '../../policy/decision.ts';
import { policyHash } from '../../policy/hash.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { Report } from '../../report/report.ts';
import { plural } from '../pin/scan.ts';

type Line = {
  readonly at: string;
  readonly step?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly kind?: string;
  readonly policy?: string;
  readonly decisions?: readonly Ruling[];
};
type Ruling = {
  readonly image: string;
  readonly digest?: string;
  readonly decision: Decision;
  readonly evidence?: EvidenceRecord;
  readonly bypass?: object;
};
type Replayed = {
  readonly line: Line;
  readonly imageDecision: Ruling;
  readonly now: Decision;
  readonly lineNumber: number;
};

/** @param files logs of `tagproof serve admission`, one JSON object a line; `-` is standard input */
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
        const line = JSON.parse(source) as Line;
        if (line.step !== 'validate') continue; // what the webhook says of itself, and the step that denies nothing
        for (const imageDecision of line.decisions ?? []) {
          const now = decideAgain(config, line, imageDecision);
          if (now === undefined) skipped++;
          else replayed.push({ file, line, imageDecision, now, lineNumber: index + 1 });
        }
      } catch (error) {
        problems.push(asProblem(error, 'syntax', { file, line: index + 1 }));
      }
    }
  }
  const differ = replayed.filter(({ imageDecision, now }) => imageDecision.decision.outcome !== now.outcome);
  const policy = policyHash(config);
  const others = replayed.some(({ line }) => line.policy !== undefined && line.policy !== policy);
  return {
    command: 'policy explain',
    sections: [],
    findings: differ.map(({ file, lineNumber, line, imageDecision, now }) => ({
      rule: 'replay-differs' as const,
      level: 'error' as const,
      file,
      line: lineNumber,
      image: imageDecision.image,
      message: `${line.namespace}/${line.kind}/${line.name}: was ${imageDecision.decision.outcome}, would be ${now.outcome}: ${objections(now) ?? objections(imageDecision.decision) ?? ''}`,
    })),
    problems,
    summary: [
      `${plural(replayed.length, 'decision')} replayed: ${replayed.length - differ.length} the same, ${differ.length} ${differ.length === 1 ? 'differs' : 'differ'}${skipped > 0 ? `; ${skipped} were not made by rules (bypasses, invalid references)` : ''}`,
      ...(others ? ['the log was written under another policy than this one'] : []),
    ],
    data: {
      policy,
      decisions: replayed.map(({ line, imageDecision, now }) => ({
        at: line.at,
        namespace: line.namespace,
        kind: line.kind,
        name: line.name,
        image: imageDecision.image,
        was: imageDecision.decision.outcome,
        now,
      })),
    },
  };
}

/** At the time of the log, with the evidence of the log. @returns undefined for what no rule decided */
function decideAgain(
  config: Config,
  line: Line,
  { image, digest, decision, evidence: record, bypass }: Ruling,
): Decision | undefined {
  const byForm = decision.results.some(({ rule }) => rule === '(form)');
  const reference = parseReference(image);
  if (bypass !== undefined || byForm || reference instanceof Problem) return undefined;
  const resolved: Resolution =
    digest === undefined
      ? new Problem('unreachable', 'not resolved when it was asked')
      : { reference, digest, from: 'lock', at: line.at };
  const scope = {
    ...(line.namespace !== undefined && line.namespace !== '' && { namespace: line.namespace }),
    ...(line.kind !== undefined && { kind: line.kind }),
  };
  const evidence = record === undefined ? undefined : fromEvidenceRecord(record);
  return decide({ reference, resolved, evidence, policy: config, now: new Date(line.at), scope });
}
