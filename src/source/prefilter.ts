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
/**
 * Double quotes can spell these words, as a key or as the start of a value, with escapes of their characters, with the escaped
 * slashes of JSON, and over two lines. Escapes of other characters, as of `<` in JSON, spell none of them.
 */
const ESCAPED =
  /\\(?:x|u00|U000000)(?:2[d-f]|3[0-9a]|[46][1-9a-f]|[57][0-9a])|:\\\/|[\w:/.]\\\r?\n[ \t]{0,200}[\w:/.]/i;
/** A key with a mark of its own: anything may stand between it and its colon. */
const MARKED_KEY = /(?:^|[\n\r])[ \t-]{0,200}\?[ \t\n\r]/;
/** Schemas are by far the largest files of a repository, and hold no image. */
const SCHEMA = new RegExp(`^kind:[ \\t]*["']?(?:${[...SCHEMA_KINDS].join('|')})\\b`, 'm');
const VALUE =
  /(?:mage[\w-]{0,64}|reference)["']?\s{0,64}:(?![ \t]{0,64}(?:#[^\n]{0,200})?\r?\n\s{0,200}[\w$-]{1,200}:[ \t\r\n])/y;

/** True when a document may name an image: only then it is parsed. */
export function mayNameImage(document: string): boolean {
  return HINT_KEY.test(document) || mayHide(document);
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
  return mayHide(document);
}

function mayHide(document: string): boolean {
  return (document.includes('\\') && ESCAPED.test(document)) || (document.includes('?') && MARKED_KEY.test(document));
}
