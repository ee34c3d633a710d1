// The names of places in the lock: which of the places of an image pin wrote. Pure.
import type { Found } from '../flow.ts';

/**
 * `deploy/web.yaml spec.template.spec.containers[0].image`. Lines would move with every edit above them. Where a file
 * has several places of one path (documents, stages of a Dockerfile), the second is ` (2)`.
 * @param found all places of a run: where one is missing, those after it would have another name
 * @param nameOf a file's name as seen from the folder of the lock
 */
export function namePlaces(found: readonly Found[], nameOf: (file: string) => string): ReadonlyMap<Found, string> {
  const counts = new Map<string, number>();
  return new Map(
    found.map((place) => {
      const base = `${nameOf(place.file)} ${place.path}`;
      const count = (counts.get(base) ?? 0) + 1;
      counts.set(base, count);
      return [place, count === 1 ? base : `${base} (${count})`];
    }),
  );
}
