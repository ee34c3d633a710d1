// JSON with comments, as editors keep it (devcontainer.json): a comment becomes blanks of the same length, so that the YAML reader takes
// the text and every offset stays. Trailing commas are YAML already. Pure.

const JSON_NAME = /\.jsonc?$/i;
/** A string as JSON has it, on one line; a comment to the end of the line; a comment between marks. */
const TOKEN = /"(?:[^"\\\r\n]|\\.)*"?|\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
/** What is JSON begins with a bracket, after blanks and comments. A file of this name may hold other YAML. */
const BEGINS = /^(\uFEFF?)(\s*)(?=[[{])/;

/** The text without its comments where the name and the text are JSON's; else the text itself. */
export function withoutComments(text: string, file: string): string {
  if (!JSON_NAME.test(file) || !text.includes('/')) return text;
  const blanked = text.replace(TOKEN, (token) => (token.startsWith('"') ? token : token.replace(/[^\r\n]/g, ' ')));
  const begins = BEGINS.exec(blanked);
  if (begins === null) return text;
  // A bracket that a comment has moved to the right must be no indentation, which the lines below would lack.
  const [whole, mark, blanks] = begins as unknown as [string, string, string];
  return mark + '\n'.repeat(blanks.length) + blanked.slice(whole.length);
}
