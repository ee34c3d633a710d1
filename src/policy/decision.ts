// What a decision says in one line, and whether it is final. Pure.
import type { Decision } from '../flow.ts';

/** The demands that are not met, in the order of the decision; undefined when all are met. */
export function objections({ results }: Decision): string | undefined {
  const failed = results.filter(({ ok }) => !ok);
  return failed.length === 0 ? undefined : failed.map(({ rule, reason }) => `rule '${rule}': ${reason}`).join('; ');
}

/**
 * True when the image might pass if everything could be checked: then it is a problem, not a
 * finding.
 */
export function isUnchecked({ outcome, results }: Decision): boolean {
  return outcome !== 'allow' && results.every(({ ok, unchecked }) => ok || unchecked);
}
