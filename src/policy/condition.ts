// Conditions on the content of attestations: CEL, compiled when the policy is read, bounded in size, depth and time when asked.
import { createContext, Script } from 'node:vm';
import { Environment, type ParseResult } from '@marcbachmann/cel-js';

const ENVIRONMENT = new Environment({
  limits: { maxAstNodes: 2000, maxDepth: 50, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 },
})
  .registerVariable('predicate', 'dyn')
  .registerVariable('predicateType', 'string')
  .registerVariable('annotations', 'map');

/** Milliseconds that one condition may take on one attestation: nested comprehensions multiply. */
const CONDITION_MS = 250;

const compiled = new Map<string, ParseResult>();

/** @returns what is wrong with the expression, if anything is */
export function checkCondition(expression: string): string | undefined {
  try {
    const parsed = ENVIRONMENT.parse(expression);
    const { valid, type, error } = parsed.check();
    if (!valid) return firstLine(error);
    if (type !== 'bool' && type !== 'dyn') return `it gives ${type}, expected bool`;
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** The content that a condition is asked about. */
export type Content = {
  readonly predicate: unknown;
  readonly predicateType: string;
  readonly annotations: Readonly<Record<string, string>>;
};

// A script in another context can be stopped from outside, whatever it calls: the only clock that a pure function has.
const room = createContext({ ask: () => undefined as unknown });
const script = new Script('ask()');

/** @returns true when it holds; else why it does not, in a person's words */
export function holds(expression: string, { predicate, predicateType, annotations }: Content): true | string {
  let parsed = compiled.get(expression);
  if (parsed === undefined) {
    parsed = ENVIRONMENT.parse(expression);
    compiled.set(expression, parsed);
  }
  const run = parsed;
  try {
    room['ask'] = () => run({ predicate: predicate ?? null, predicateType, annotations });
    const answer = script.runInContext(room, { timeout: CONDITION_MS }) as unknown;
    return answer === true ? true : `${expression} is ${answer === false ? 'false' : 'not true or false'}`;
  } catch (error) {
    const late = (error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return late ? `${expression} took longer than ${CONDITION_MS} ms` : `${expression}: ${firstLine(error)}`;
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
