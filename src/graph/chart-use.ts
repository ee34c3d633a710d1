// What a chart's templates do with one value of an image: where a digest is rendered, in which form, and whether a tag is used for more
// than the image. Pure: the templates are read as text, never rendered; what is not certain is `unknown`, never a guess.

/** full: after `@`, so the value is `sha256:HEX`. hex: after `sha256:`. unused: no template reads it. */
export type DigestUse = 'full' | 'hex' | 'unused' | 'unknown';
/** image: after the repository's colon only. elsewhere: also in a label, a comparison or another field, which a digest breaks. */
export type TagUse =
  | { readonly kind: 'image' | 'unused' | 'unknown' }
  | { readonly kind: 'elsewhere'; readonly line: string };

/** One place where a value is read: the text of its action, and the literal text right before the value's output. */
type Use = { readonly action: string; readonly before: string; readonly line: string };

/** Actions longer than this are no image's. */
const MAX_ACTION = 2000;
/** Variables that hold variables. */
const MAX_STEPS = 4;

/** @param path of the value below `.Values`, as `['image', 'digest']` */
export function digestUse(templates: readonly string[], path: readonly string[]): DigestUse {
  const uses = usesOf(templates, path).filter((use) => !isCondition(use));
  if (uses.length === 0) return usesOf(templates, path).length === 0 ? 'unused' : 'unknown';
  const kinds = new Set(
    uses.map(({ before }) => (/sha256:$/.test(before) ? 'hex' : before.endsWith('@') ? 'full' : 'unknown')),
  );
  return kinds.size === 1 ? ([...kinds][0] as DigestUse) : 'unknown';
}

export function tagUse(templates: readonly string[], path: readonly string[]): TagUse {
  const uses = usesOf(templates, path);
  if (uses.length === 0) return { kind: 'unused' };
  for (const use of uses) {
    const { action, before, line } = use;
    if (/semver/i.test(action)) return { kind: 'elsewhere', line };
    // A template that cuts `@sha…` off expects a digest there.
    if (isCondition(use) || /"@/.test(action)) continue;
    if (!isAfterRepository(before, path.slice(0, -1))) return { kind: 'elsewhere', line };
  }
  return { kind: 'image' };
}

/**
 * Whether a repository is printed right after `image:`, with no registry before it: `image: {{ .Values.db.repository }}:…`. Another
 * image of the same chart may have the registry for all images.
 */
export function isPrintedAlone(
  templates: readonly string[],
  path: readonly string[],
): 'always' | 'sometimes' | 'never' {
  const uses = usesOf(templates, path).filter((use) => !isCondition(use));
  const alone = uses.filter(
    ({ action, line }) =>
      /^\{\{-?\s*[$.\w]+\s*(?:\|\s*quote\s*)?-?\}\}$/.test(action) &&
      /^(?:-\s+)?["']?image["']?:\s*["']?$/.test(line.slice(0, line.indexOf(action)).trimStart()),
  );
  return alone.length === 0 ? 'never' : alone.length === uses.length ? 'always' : 'sometimes';
}

/** Whether any template reads a value. */
export function isRead(templates: readonly string[], path: readonly string[]): boolean {
  return usesOf(templates, path).length > 0;
}

/**
 * The tag that a chart fills in where the value is empty: its appVersion, as it is or with `v` before it.
 * @returns undefined where the templates do something else, or differ
 */
export function defaultTag(
  templates: readonly string[],
  path: readonly string[],
  appVersion: string,
): string | undefined {
  const tags = new Set(
    usesOf(templates, path)
      .filter((use) => !isCondition(use))
      .map(({ action }) => {
        if (!/\bdefault\b/.test(action) || !action.includes('.Chart.AppVersion')) return undefined;
        if (/\(\s*printf\s+"v%s"\s+\.Chart\.AppVersion\s*\)/.test(action)) return `v${appVersion}`;
        return /printf\s+"[^"]*"\s+\.Chart\.AppVersion|trim|replace|AppVersion\s*\|/.test(action)
          ? undefined
          : appVersion;
      }),
  );
  return tags.size === 1 ? [...tags][0] : undefined;
}

/** After a colon that follows an action, which is not another image's: `x:{{ .Values.image.tag }}` is a fixed other name. */
function isAfterRepository(before: string, mapping: readonly string[]): boolean {
  if (before === ':' || before.endsWith('%s:')) return true;
  const action = /\{\{([^}]*)\}\}["']?:$/.exec(before)?.[1];
  if (action === undefined) return false;
  return !action.includes('.Values.') || action.includes(`.Values.${mapping.join('.')}.`);
}

/** `{{ if … }}`, `{{ else if … }}` and their kin read a value without printing it. */
const isCondition = ({ action }: Use) => /^\{\{-?\s*(?:else\s+)?if\b/.test(action) && !/semver/i.test(action);

/**
 * Every use of a value: by its whole path from `.Values`; where no template has that, by the end of its path, as helpers
 * and `with` see it.
 */
function usesOf(templates: readonly string[], path: readonly string[]): Use[] {
  const whole = usesBy(templates, `.Values.${path.join('.')}`, '');
  if (whole.length > 0) return whole;
  for (let from = Math.max(0, path.length - 2); from < path.length; from++) {
    // Not the end of another value's whole path.
    const relative = `(?<![\\w\\]])(?!\\$?\\w*(?:\\.\\w+)*\\.Values\\.)(?:\\$\\w*)?(?:\\.\\w+)*?`;
    const found = usesBy(templates, `.${path.slice(from).join('.')}`, relative);
    if (found.length > 0) return found;
  }
  return [];
}

const quoted = (key: string) => key.replaceAll(/[^\w]/g, '\\$&');

/** @param literal text that every use has; most templates have it not, and are not searched any further */
function usesBy(templates: readonly string[], literal: string, before: string): Use[] {
  const pattern = new RegExp(`${before}${quoted(literal)}(?![\\w.])`, 'g');
  return templates.flatMap((text) => (text.includes(literal) ? usesIn(text, pattern, 0) : []));
}

function usesIn(text: string, pattern: RegExp, step: number): Use[] {
  const uses: Use[] = [];
  for (const match of text.matchAll(pattern)) {
    const open = text.lastIndexOf('{{', match.index);
    const close = text.indexOf('}}', match.index);
    if (open < 0 || close < 0 || close - open > MAX_ACTION || text.slice(open, match.index).includes('}}')) continue;
    const action = text.slice(open, close + 2);
    if (/^\{\{-?\s*\/\*/.test(action)) continue; // a comment
    const line = lineOf(text, match.index);
    const variable = /^\{\{-?\s*(\$\w+)\s*:?=/.exec(action)?.[1];
    if (variable !== undefined) {
      const own =
        step < MAX_STEPS
          ? usesIn(text.slice(close + 2), new RegExp(`${quoted(variable)}(?![\\w.]|\\s*:?=)`, 'g'), step + 1)
          : [];
      uses.push(...(own.length > 0 ? own : [{ action, before: '', line }]));
      continue;
    }
    const dot = /^\{\{-?\s*with\b/.test(action) ? dotAfter(text, close + 2) : undefined;
    uses.push({ action, line, before: dot ?? beforeValue(text, open, action, match.index - open) });
  }
  return uses;
}

/** `{{ with .x }}@{{ . }}`: the literal text between the block's start and the first `{{ . }}`. */
function dotAfter(text: string, from: number): string | undefined {
  return /^([^{]*)\{\{-?\s*\.\s*(?:\||-?\}\})/.exec(text.slice(from, from + 200))?.[1]?.trim();
}

/** The literal text right before the value: of a format's verb where it is an argument of printf, else before the action. */
function beforeValue(text: string, open: number, action: string, at: number): string {
  const call = /\bprintf?\s+("(?:[^"\\]|\\.)*"|`[^`]*`)/g;
  // The innermost call that is still open at the value: an inner one that has closed does not print it.
  for (const format of [...action.matchAll(call)].filter(({ index }) => index < at).reverse()) {
    const count = argumentsBefore(action.slice(format.index + format[0].length, at));
    if (count === undefined) continue;
    const literals = (format[1] as string).slice(1, -1);
    return /^print\s/.test(format[0]) ? literals : beforeVerb(literals, count);
  }
  const line = text.slice(Math.max(0, open - 200), open);
  const trimmed = /^\{\{-/.test(action) ? line.trimEnd() : line;
  return trimmed.slice(trimmed.lastIndexOf('\n') + 1);
}

/** The text of a format right before its verb number `count`; with `%s` in front where another verb precedes it. */
function beforeVerb(format: string, count: number): string {
  const verbs = [...format.matchAll(/%[-+# 0]*\d*[svd]/g)];
  const [verb, last] = [verbs[count], verbs[count - 1]];
  if (verb === undefined) return '';
  const literal = format.slice(last === undefined ? 0 : last.index + last[0].length, verb.index);
  return `${last === undefined ? '' : '%s'}${literal}`;
}

/** The number of complete arguments before a position in an argument list; undefined where that is not certain. */
function argumentsBefore(list: string): number | undefined {
  let [depth, count] = [0, 0];
  let word = false;
  for (const char of list.replaceAll(/"(?:[^"\\]|\\.)*"/g, 'x')) {
    if (char === '(') {
      if (depth++ === 0 && !word) word = true;
    } else if (char === ')') {
      if (--depth < 0) return undefined;
    } else if (/\s/.test(char)) {
      if (depth === 0 && word) {
        count++;
        word = false;
      }
    } else if (char === '|' && depth === 0) return undefined;
    else word = true;
  }
  return count;
}

function lineOf(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end).trim();
}
