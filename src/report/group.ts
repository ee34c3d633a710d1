// The same thing about the same image at many places is one finding to a reader. Pure.
import { plural } from './plural.ts';
import type { Finding } from './report.ts';

/** Findings with one rule, level, image and message; the first stands for all. */
export type FindingGroup = { readonly first: Finding; readonly places: readonly Finding[] };

/** As many places of a group are named; the rest is counted. */
const NAMED = 10;

/** In the order of their first places. A finding without image is a group of its own. */
export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const keyed = findings.map((finding, index) => {
    const { rule, level, image, message } = finding;
    return { finding, key: image === undefined ? String(index) : JSON.stringify([rule, level, image, message]) };
  });
  return [...Map.groupBy(keyed, ({ key }) => key).values()].map((items) => {
    const places = items.map(({ finding }) => finding);
    return { first: places[0] as Finding, places };
  });
}

/** `a.yaml:3`; empty where the finding is of no file. */
export const placeOf = ({ file, line }: Finding): string => (file === undefined ? '' : `${file}:${line ?? 1}`);

/** The first places, and how many more there are. */
export function firstPlaces(places: readonly Finding[]): { readonly named: readonly string[]; readonly more: string } {
  const named = places.slice(0, NAMED).map(placeOf);
  const left = places.length - named.length;
  return { named, more: left === 0 ? '' : `and ${plural(left, 'more place')}` };
}

/** All in one line. */
export function placesLine(places: readonly Finding[]): string {
  const { named, more } = firstPlaces(places);
  return [named.join(', '), more].filter(Boolean).join(' ');
}
