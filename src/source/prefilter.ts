// Which files are worth decoding and which documents worth parsing: most of a repository names no
// image. Pure.
import { DIALECTS } from './dialects.ts';
import { SCHEMA_KINDS } from './fields.ts';

const HINTS = Object.values(DIALECTS).flatMap(({ hints }) => hints);

const WORDS = [...new Set(HINTS.map(({ word }) => word))];
/**
 * The words without which no dialect with hints finds anything. A word that contains another one
 * adds nothing. The shortest is first: it is the one that nearly every file with an image has.
 */
export const HINT_WORDS = WORDS.filter((word) => !WORDS.some((other) => other !== word && word.includes(other))).sort(
  (a, b) => a.length - b.length,
);
const HINT_KEY = new RegExp([...new Set(HINTS.map(({ key }) => key.source))].join('|'));
/** The rest of a quoted key after an escape, which may spell any of these words. */
const ESCAPED_KEY = /\\[uUx][^"\n]{0,64}"\s{0,64}:/;
/** Schemas are by far the largest files of a repository, and hold no image. */
const SCHEMA = new RegExp(`^kind:[ \\t]*["']?(?:${[...SCHEMA_KINDS].join('|')})\\b`, 'm');
const VALUE =
  /(?:mage[\w-]{0,64}|reference)["']?\s{0,64}:(?![ \t]{0,64}(?:#[^\n]{0,200})?\r?\n\s{0,200}[\w$-]{1,200}:[ \t\r\n])/y;

/** True when a document may name an image: only then it is parsed. */
export function mayNameImage(document: string): boolean {
  return HINT_KEY.test(document) || hasEscapedKey(document);
}

/**
 * True for a schema that certainly holds no image. The line `kind: CustomResourceDefinition` could
 * be part of a string, or a second `kind:` could override it. So every image key of the document
 * must be followed by a line with another key, as in a schema: such a key has no image as its
 * value.
 */
export function isPlainSchema(document: string): boolean {
  return SCHEMA.test(document) && !holdsValue(document);
}

function holdsValue(document: string): boolean {
  for (const word of ['mage', 'reference']) {
    for (let at = document.indexOf(word); at >= 0; at = document.indexOf(word, at + 1)) {
      VALUE.lastIndex = at;
      if (VALUE.test(document)) return true;
    }
  }
  return hasEscapedKey(document);
}

function hasEscapedKey(document: string): boolean {
  return document.includes('\\') && ESCAPED_KEY.test(document);
}
