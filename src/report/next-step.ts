// The one command that deals with most of what was found. Pure.
import type { Finding } from './report.ts';
import type { RuleId } from './rules.ts';

/** The first row of which there is a finding; notes count last. */
const STEPS: readonly [command: string, rules: readonly RuleId[]][] = [
  ['tagproof pin', ['unpinned', 'tag-digest-disagree']],
  ['tagproof pin --update', ['tag-moved', 'single-platform']],
  ['tagproof pin --verify --update', ['evidence-missing', 'evidence-stale']],
  ['tagproof pin', ['lock-behind', 'lock-stale']],
];

/** A line for the summary, or none. */
export function nextStep(findings: readonly Finding[]): string[] {
  const failing = findings.filter(({ level }) => level !== 'note');
  const rules = new Set((failing.length > 0 ? failing : findings).map(({ rule }) => rule));
  const step = STEPS.find(([, of]) => of.some((rule) => rules.has(rule)));
  return step === undefined ? [] : [`next step: run ${step[0]}`];
}
