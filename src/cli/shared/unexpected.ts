// An error that no command expected, in one line for a person, or with its stack for who looks for the cause.
import { stripVTControlCharacters } from 'node:util';

/** @param debug TAGPROOF_DEBUG=1 */
export function explainUnexpected(error: unknown, debug = process.env['TAGPROOF_DEBUG'] === '1'): string {
  if (debug) return `error: ${error instanceof Error ? error.stack : String(error)}\n`;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const line = stripVTControlCharacters(message).replaceAll(/\s+/g, ' ').trim();
  return `error: ${line.slice(0, 500)} (TAGPROOF_DEBUG=1 shows where)\n`;
}
