// Tells an outage of PostgreSQL from a fault: during an outage the same statement succeeds later.
// Pure.
import { Problem } from '../problem.ts';

/**
 * PostgreSQL errors while the server starts, stops or has no free connection. postgresql.org/docs,
 * "Error Codes".
 */
const OUTAGE = /^(?:08...|53300|57P01|57P02|57P03)$/;
/** The server is there, and does not accept connections yet: it starts or recovers. */
const STARTING = '57P03';
/** Node's errors of a connection that cannot be made, or that broke. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** The messages of `pg` that have no code. */
const LOST =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

const codeOf = (error: unknown): string => {
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: readonly unknown[] };
  // Of a name with several addresses, Node reports an error for each.
  return typeof code === 'string' ? code : errors?.[0] === undefined ? '' : codeOf(errors[0]);
};

export const isStarting = (error: unknown): boolean => codeOf(error) === STARTING;

export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  return OUTAGE.test(code) || NETWORK.has(code) || (error instanceof Error && LOST.test(error.message));
}

/**
 * An outage as a Problem `unreachable`; any other error as it is.
 * @param name of the database, without its password
 */
export function explainOutage(error: unknown, name: string): unknown {
  if (!isOutage(error)) return error;
  const reason = error instanceof Error && error.message !== '' ? error.message : codeOf(error);
  return new Problem('unreachable', `the database does not answer: ${reason}`, { file: name }, error);
}
