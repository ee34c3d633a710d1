// Field patterns: which of them apply to an object, and whether a path matches one. Pure.
import { matchesPattern } from '../image/pattern.ts';
import { CATALOGUE, type FieldRule } from './fields.ts';

const CATALOGUE_OF = Map.groupBy(CATALOGUE, ({ group }) => group);

/**
 * The patterns of the catalogue and of the user for objects of this kind, as path segments joined
 * by `/`.
 */
export function fieldRules(given: readonly FieldRule[], group: string | undefined, kind: string | undefined): string[] {
  return [...patternsOf(CATALOGUE_OF.get(group) ?? []), ...givenRules(given, group, kind)];
}

/** The user's patterns for objects of this kind. */
export function givenRules(given: readonly FieldRule[], group: string | undefined, kind: string | undefined): string[] {
  return patternsOf(
    given.filter(
      (rule) =>
        (rule.group === undefined || rule.group === group) &&
        (rule.kinds === undefined || rule.kinds.includes(kind ?? '')),
    ),
  );
}

const patternsOf = (rules: readonly FieldRule[]): string[] => rules.flatMap(segmentsOf);

/** Per rule, because every object of every document asks for them. */
const SEGMENTS = new WeakMap<FieldRule, readonly string[]>();

function segmentsOf(rule: FieldRule): readonly string[] {
  const before = SEGMENTS.get(rule);
  if (before !== undefined) return before;
  const paths = rule.paths.map((path) => path.replace(/\[\]/g, '/[]').replace(/\./g, '/').replace(/^\//, ''));
  SEGMENTS.set(rule, paths);
  return paths;
}

/** @param path keys, and `[0]` for the items of a list */
export function matchesField(path: readonly string[], rules: readonly string[]): boolean {
  let given: string | undefined;
  return rules.some((rule) => {
    if (!endsLike(path, rule)) return false;
    given ??= path.map(segmentOf).join('/');
    return matchesPattern(rule, given);
  });
}

function segmentOf(part: string): string {
  if (part.startsWith('[')) return '[]';
  return part.includes('/') ? part.replaceAll('/', '~') : part;
}

/** The segments of a rule from its end up to the first that may span several, by the rule. */
const TAILS = new Map<string, readonly string[]>();

function tailOf(rule: string): readonly string[] {
  const before = TAILS.get(rule);
  if (before !== undefined) return before;
  const segments = rule.split('/').reverse();
  const spans = segments.findIndex((segment) => segment.includes('**'));
  const tail = spans < 0 ? segments : segments.slice(0, spans);
  TAILS.set(rule, tail);
  return tail;
}

/** False when the end of the path shows that the rule cannot match. Every scalar of a tree asks. */
function endsLike(path: readonly string[], rule: string): boolean {
  const tail = tailOf(rule);
  if (tail.length > path.length) return false;
  for (let i = 0; i < tail.length; i++) {
    const segment = tail[i] as string;
    const part = path[path.length - 1 - i] as string;
    if (segment !== part && !segment.includes('*') && segment !== segmentOf(part)) return false;
  }
  return true;
}
