// Going back in the files, for Git: only the images of the workloads change; and the lock keeps that they are held.
import { userInfo } from 'node:os';
import type { Edit, Found } from '../../flow.ts';
import { repositoryOf, tagKey, withoutDigest } from '../../image/reference.ts';
import type { Checked, RollbackCandidate } from '../../inventory/rollback-candidates.ts';
import { printLock, readLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { pinEdit } from '../../source/edit.ts';
import { writeLock } from '../pin/pin-lock.ts';
import { type Planned, rewriteFiles } from '../pin/rewrite.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import type { Step, WorkloadRef } from './plan.ts';

export type FileRollback = {
  readonly changed: readonly string[];
  readonly diff: string;
  readonly problems: readonly Problem[];
  /** Something stood in the way, so nothing was changed. */
  readonly failed: boolean;
};

/** All of a plan goes back, or nothing of it: halves of two releases never ran together. */
export function intoFiles(steps: readonly Step<Checked>[], gathered: GatheredFiles, write: boolean): FileRollback {
  const edits = new Map<Found, Edit>();
  const problems: Problem[] = [...gathered.problems];
  for (const { workload, chosen } of steps)
    for (const candidate of chosen) {
      const places = gathered.found.filter((found) => isPlaceOf(found, workload, candidate));
      if (places.length === 0)
        problems.push(
          new Problem(
            'not-found',
            `no file here has ${repositoryOf(candidate.reference)} in ${workload.kind}/${workload.name}`,
          ),
        );
      for (const found of places) {
        try {
          const edit = editOf(found, candidate);
          if (edit !== undefined) edits.set(found, edit);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          problems.push(error);
        }
      }
    }
  const failed = problems.length > 0;
  const planned = gathered.results.map(
    (result): Planned => ({ result, edits: failed ? [] : result.found.flatMap((found) => edits.get(found) ?? []) }),
  );
  const { changed, diff, problems: unwritten } = rewriteFiles(planned, write);
  return { changed, diff, problems: [...problems, ...unwritten], failed: failed || unwritten.length > 0 };
}

function isPlaceOf(
  { object, namespace, reference }: Found,
  workload: WorkloadRef,
  { reference: to }: RollbackCandidate,
): boolean {
  return (
    object === `${workload.kind}/${workload.name}` &&
    (namespace === undefined || namespace === workload.namespace) &&
    repositoryOf(reference) === repositoryOf(to)
  );
}

/** The digest where one stands or belongs; where the tag was another one, the whole reference, for a tag must not lie (T5). */
function editOf(found: Found, { reference: to }: RollbackCandidate): Edit | undefined {
  const { reference, slot, start, end } = found;
  if (reference.tag === to.tag) return pinEdit(found, to.digest);
  const whole = slot.pin?.at === end || slot.digest?.[1] === end;
  const text = `${reference.name}${to.tag === undefined ? '' : `:${to.tag}`}@${to.digest}`;
  if (whole) return { start, end, text };
  const { file, line, column } = found;
  throw new Problem(
    'refused',
    `the tag was ${to.tag} then, and stands in a field of its own here: write ${to.tag} and ${to.digest} by hand`,
    { file, line, column, image: reference.text },
  );
}

/** What `pin --update` leaves alone from now on. @param reason undefined: let go of again */
export function holdInLock(file: string, steps: readonly Step[], reason: string | undefined): void {
  const { lock, bytes } = readLock(file);
  const at = new Date().toISOString();
  for (const { reference, interval } of steps.flatMap(({ chosen }) => chosen)) {
    if (reference.tag === undefined) continue;
    const key = tagKey(withoutDigest(reference));
    if (reason === undefined) {
      const entry = lock.get(key);
      if (entry === undefined) continue;
      const { hold: _, ...rest } = entry;
      lock.set(key, rest);
      continue;
    }
    lock.set(key, {
      digest: reference.digest,
      firstSeen: interval.since,
      source: 'registry',
      hold: { reason, by: userInfo().username, at },
    });
  }
  writeLock(file, printLock(lock), bytes);
}
