// JSON5, as Renovate's configuration is written: comments, single quotes, bare keys, trailing commas. Pure.

const COMMENT = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;
const STRING = String.raw`"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'`;
const NUMBER = String.raw`[-\d.][\w.+-]*`;
const TRAILING_COMMA = String.raw`,(?=(?:\s|${COMMENT})*[\]}])`;
const TOKEN = new RegExp([COMMENT, STRING, NUMBER, String.raw`[A-Za-z_$][\w$]*`, TRAILING_COMMA].join('|'), 'g');
const WORDS = new Set(['true', 'false', 'null']);

/** @returns the value; undefined where the text is no JSON5 that JSON can hold */
export function parseJson5(text: string): unknown {
  const json = text.replace(/^\ufeff/, '').replace(TOKEN, (token) => {
    if (token.startsWith('/') || token === ',') return ' ';
    if (token.startsWith('"') || token.startsWith("'")) return asJsonString(token);
    return WORDS.has(token) || /^[-\d.]/.test(token) ? token : JSON.stringify(token);
  });
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** JSON has fewer escapes: what it does not know stands for itself, and a line that ends in a backslash goes on. */
function asJsonString(token: string): string {
  const inner = token.slice(1, -1).replace(/\\(\r?\n|[\s\S])|"/g, (written, what: string | undefined) => {
    if (what === undefined) return '\\"';
    if (/^\r?\n$/.test(what)) return '';
    return /["\\/bfnrtu]/.test(what) ? written : what;
  });
  return `"${inner}"`;
}
