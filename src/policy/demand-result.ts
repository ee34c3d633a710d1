// What every demand of a rule answers with, and how many authorities a demand needs. Pure.
import type { RuleResult } from '../flow.ts';
import { authoritiesOf, type Demand } from './config.ts';

/**
 * Makes a result of the rule. @param unchecked the demand could not be checked, rather than failed
 */
export type Say = (ok: boolean, reason: string, unchecked?: boolean) => RuleResult;

/** How many of the distinct authorities a demand needs. */
export function neededOf(demand: Demand): number {
  return 'all' in demand ? authoritiesOf(demand).length : 'any' in demand ? 1 : demand.threshold;
}

/** `'a', 'b'` */
export const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
