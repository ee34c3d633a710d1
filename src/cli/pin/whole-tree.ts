// Whether a run sees the whole tree of its project, and the names of its places in the lock.
import { relative, resolve, sep } from 'node:path';
import type { Found } from '../../flow.ts';
import { namePlaces } from '../../lock/place.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import type { Project } from '../shared/project.ts';

/** Only such a run may say that no place uses an entry of the lock: nothing was left out, and everything could be read. */
export function isWholeTree(
  paths: readonly string[],
  { exclude, changed }: { readonly exclude: readonly string[]; readonly changed?: string | true },
  { cwd, root }: Project,
  { problems, stdin }: GatheredFiles,
): boolean {
  const everything = paths.every((path) => path === '.' || path === './') && cwd === root && changed === undefined;
  return everything && exclude.length === 0 && problems.length === 0 && stdin === undefined;
}

/** As seen from the folder of the project, from wherever tagproof runs. */
export function placeNames({ results }: GatheredFiles, root: string): ReadonlyMap<Found, string> {
  const nameOf = (file: string) => relative(root, resolve(file)).split(sep).join('/');
  return namePlaces(
    results.flatMap(({ found }) => found),
    nameOf,
  );
}
