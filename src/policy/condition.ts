// Conditions on the content of attestations: CEL, compiled when the policy is read; bounded in
// size, depth and time.
import { createContext, Script } from 'node:vm';
import { Environment, type ParseResult } from '@marcbachmann/cel-js';

const ENVIRONMENT = new Environment({
  limits: { maxAstNodes: 2000, maxDepth: 50, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 },
})
  .registerVariable('predicate', 'dyn')
  .registerVariable('predicateType', 'string')
  .registerVariable('annotations', 'map');

/**
 * Milliseconds for one condition on one attestation: nested comprehensions multiply their cost
 * (T30).
 */
const CONDITION_MS = 250;

const compiled = new Map<string, ParseResult>();

/** @returns what is wrong with the expression; undefined: it is a condition */
export function checkCondition(expression: string): string | undefined {
  try {
    const parsed = ENVIRONMENT.parse(expression);
    const { valid, type, error } = parsed.check();
    if (!valid) return firstLine(error);
    if (type !== 'bool' && type !== 'dyn') return `its type is ${type}, expected bool`;
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** The attestation that a condition is about. */
export type ConditionInput = {
  readonly predicate: unknown;
  readonly predicateType: string;
  readonly annotations: Readonly<Record<string, string>>;
};

// Node can stop a script of another context after a time, whatever function the script calls.
const context = createContext({ evaluate: () => undefined as unknown });
const script = new Script('evaluate()');

/** @returns true when the condition is true; else why it is not */
export function holds(expression: string, { predicate, predicateType, annotations }: ConditionInput): true | string {
  let parsed = compiled.get(expression);
  if (parsed === undefined) {
    parsed = ENVIRONMENT.parse(expression);
    compiled.set(expression, parsed);
  }
  const evaluate = parsed;
  try {
    context['evaluate'] = () => evaluate({ predicate: predicate ?? null, predicateType, annotations });
    const answer = script.runInContext(context, { timeout: CONDITION_MS }) as unknown;
    return answer === true ? true : `${expression} is ${answer === false ? 'false' : 'not true or false'}`;
  } catch (error) {
    const late = (error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return late ? `${expression} took longer than ${CONDITION_MS} ms` : `${expression}: ${firstLine(error)}`;
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
