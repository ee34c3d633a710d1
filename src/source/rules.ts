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
  const last = path.at(-1) as string;
  const lastSegment = last.startsWith('[') ? '[]' : last;
  if (!rules.some((rule) => endsWith(rule, lastSegment))) return false;
  const given = path.map((segment) => (segment.startsWith('[') ? '[]' : segment.replaceAll('/', '~'))).join('/');
  return rules.some((rule) => matchesPattern(rule, given));
}

function endsWith(rule: string, segment: string): boolean {
  const last = rule.slice(rule.lastIndexOf('/') + 1);
  return last === segment || last.includes('*');
}
