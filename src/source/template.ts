// Text that is YAML only after rendering (Helm templates, Jinja), line by line: finds literals,
// names expressions. Pure.
import type { Collector } from './collector.ts';
import type { Reader } from './reader.ts';

declare module '../flow.ts' {
  interface Dialects {
    template: true;
  }
}

export const template: Reader = {
  names: [/\.(tpl|gotmpl|tmpl|j2|jinja2?)$/],
  hints: [],
  unit: 'text',
  read: (c, text, toFile) => readTemplateLines(c, text, toFile, ''),
};

const LINE = /^([ \t]*(?:- +)?)(["']?)(image|[\w.-]*[a-z0-9_-]Image)\2[ \t]*:[ \t]+(\S.*)$/;

/**
 * Reads `image: value` lines.
 * @param text the part to read
 * @param toFile offset in `text` → offset in the collector's text
 * @param path field path of the scalar that holds the text, '' for a whole file
 */
export function readTemplateLines(c: Collector, text: string, toFile: (offset: number) => number, path: string): void {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const match = end - start < 4096 ? LINE.exec(text.slice(start, end)) : null;
    if (match !== null) readLine(c, match, toFile(start), path);
    start = end + 1;
  }
}

/** @param lineStart offset of the line in the file, where the line has the same characters */
function readLine(c: Collector, match: RegExpExecArray, lineStart: number, path: string): void {
  const [line, , , key, rest] = match as unknown as [string, string, string, string, string];
  const value = literal(rest.trimEnd());
  if (value === undefined || value.text === '') return;
  const start = lineStart + line.lastIndexOf(rest) + value.offset;
  const spot = { start, end: start + value.text.length, path: path === '' ? key : `${path}.|.${key}` };
  // An anchor, alias, tag or block marker: a line alone does not say what its value is.
  if (!value.quoted && /^[&*!|>{[]/.test(value.text) && !value.text.startsWith('{{')) return;
  c.image(spot, value.text, key === 'image');
}

/** The value at the start of the rest of a line, without quotes and without the comment. */
function literal(rest: string): { text: string; offset: number; quoted: boolean } | undefined {
  const quote = rest[0];
  // A quoted value may have quotes inside its {{ }}, so it ends at the last quote.
  if (quote === '"' || quote === "'") {
    const close = rest.includes('{{') ? rest.lastIndexOf(quote) : rest.indexOf(quote, 1);
    return close > 0 ? { text: rest.slice(1, close), offset: 1, quoted: true } : undefined;
  }
  const comment = rest.search(/(?:^|[ \t])#/);
  return { text: (comment < 0 ? rest : rest.slice(0, comment)).trimEnd(), offset: 0, quoted: false };
}
