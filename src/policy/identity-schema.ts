// The schema of one identity of a keyless authority: an issuer, and a subject or a narrow pattern.
// Pure.
import * as v from 'valibot';
import { CLAIM_NAMES } from '../sigstore/claims.ts';
import type { AllowedIdentity } from './config.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

/**
 * `https://github.com/org/…`: literal up to the first wildcard, which must come after the host and
 * the owner (T28).
 */
const subjectPattern = v.pipe(
  text,
  v.check(
    (pattern) => !/^\^|\$$|\.\*|\\|\[.*\]|\(.*\)/.test(pattern),
    'expected a pattern with * and **, not a regular expression: patterns are always anchored, and every other character is literal',
  ),
  v.check(
    isNarrow,
    'too wide: expected a literal host and owner (https://github.com/org/…), or *@ and a literal domain',
  ),
);

const SETTINGS = {
  issuer: v.optional(text),
  subject: v.optional(text),
  subjectPattern: v.optional(subjectPattern),
  claims: v.optional(
    v.pipe(
      v.record(text, v.string()),
      v.check(
        (claims) => Object.keys(claims).every((name) => CLAIM_NAMES.includes(name)),
        `expected claims among ${CLAIM_NAMES.join(', ')}`,
      ),
    ),
  ),
} satisfies Record<keyof AllowedIdentity, v.GenericSchema>;

export const IdentitySchema = v.pipe(
  v.strictObject(SETTINGS),
  v.check(
    ({ subject, subjectPattern: pattern }) => (subject === undefined) !== (pattern === undefined),
    'expected either subject (exact) or subjectPattern',
  ),
);

/**
 * Whether a pattern names an owner: a literal scheme, host and owner, or a literal mail domain
 * (T28).
 */
function isNarrow(pattern: string): boolean {
  const literal = pattern.slice(0, pattern.indexOf('*') < 0 ? undefined : pattern.indexOf('*'));
  if (pattern.includes('://'))
    return /^[a-z+]+:\/\/[^/*]+\/[^/*]+\//.test(`${literal}${literal === pattern ? '/' : ''}`);
  const domain = pattern.slice(pattern.lastIndexOf('@') + 1);
  return pattern.includes('@') && !domain.includes('*') && domain.includes('.');
}
