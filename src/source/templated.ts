// Tells text that is YAML only after rendering (Helm, Jinja) from YAML that one reader refuses.
// Pure.

/** Text with an expression that another program fills in. */
export const HAS_EXPRESSION = /\{\{|\{%|<%/;

/** A line that begins with an expression: `{{- if .Values.x }}`, `- {{ include "x" . }}`. */
const BEGINS = /^[ \t]*(?:- +)?(?:\{\{|\{%|<%)/;
/** A line that js-yaml refuses and Kubernetes accepts: a closing bracket where its key begins. */
const CLOSES = /^[ \t]*[\]}]/;

/**
 * True when a parser failed at the template itself: on a line with an expression, or right after a
 * line that begins with one. No parser of YAML reads on from there, so there is no second one to
 * ask: that costs more than all the rest.
 * @param at offset at which the parser gave up
 */
export function failedAtTemplate(text: string, at: number): boolean {
  const start = at <= 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const newline = text.indexOf('\n', start);
  const line = text.slice(start, newline < 0 ? text.length : newline);
  if (CLOSES.test(line)) return false;
  return HAS_EXPRESSION.test(line) || BEGINS.test(lineAbove(text, start));
}

/** The last line above `start` that is not blank; '' when there is none. */
function lineAbove(text: string, start: number): string {
  for (let end = start - 1; end > 0; ) {
    const begin = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(begin, end);
    if (line.trim() !== '') return line;
    end = begin - 1;
  }
  return '';
}
