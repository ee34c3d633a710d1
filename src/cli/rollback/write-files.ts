// A rollback in the files, for Git: only the images of the named workloads change, and the lock records that they are held.
import { userInfo } from 'node:os';
import type { Change } from '../../commit/change.ts';
import type { Found } from '../../flow.ts';
import { repositoryOf, tagKey, withoutDigest } from '../../image/reference.ts';
import type { Checked, RollbackCandidate } from '../../inventory/rollback-candidates.ts';
import type { Step, WorkloadRef } from '../../inventory/rollback-plan.ts';
import { tagOfKey } from '../../lock/digests.ts';
import { type Lock, type LockEntry, parseLock, printLock } from '../../lock/lock.ts';
import { recordDigest } from '../../lock/record.ts';
import { asProblem, Problem } from '../../problem.ts';
import { pinEdit } from '../../source/edit.ts';
import type { ProvedChange } from '../../source/prove.ts';
import { type Planned, planRewrite } from '../pin/rewrite.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import type { Project } from '../shared/project.ts';

export type FileRollback = {
  readonly changes: readonly Change[];
  readonly diff: string;
  /** Any of them stops the whole rollback. */
  readonly problems: readonly Problem[];
};

/** All of a plan is written, or nothing of it: halves of two releases never ran together. */
export async function planFiles(
  steps: readonly Step<Checked>[],
  gathered: GatheredFiles,
  { wantsDiff, top }: { readonly wantsDiff: boolean; readonly top: string },
): Promise<FileRollback> {
  const edits = new Map<Found, ProvedChange>();
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
          problems.push(asProblem(error, 'refused', { file: found.file }));
        }
      }
    }
  if (problems.length > 0) return { changes: [], diff: '', problems };
  const planned = gathered.results.map(
    (result): Planned => ({ result, changes: result.found.flatMap((found) => edits.get(found) ?? []) }),
  );
  const { changes, diff, refused, stopped } = await planRewrite(planned, { wantsDiff, options: gathered.options, top });
  return { changes, diff, problems: [...refused, ...stopped] };
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

/**
 * The digest, where the tag is the same. Otherwise the whole reference, because a tag must not name another image
 * than the digest beside it (T5).
 */
function editOf(found: Found, { reference: to }: RollbackCandidate): ProvedChange | undefined {
  const { reference, slot, start, end } = found;
  const { digest } = to;
  if (reference.tag === to.tag) {
    const edit = pinEdit(found, digest);
    return edit && { found, edit, digest };
  }
  const whole = slot.pin?.at === end || slot.digest?.[1] === end;
  const text = `${reference.name}${to.tag === undefined ? '' : `:${to.tag}`}@${to.digest}`;
  if (whole) return { found, edit: { start, end, text }, digest, tag: to.tag ?? null };
  const { file, line, column } = found;
  throw new Problem(
    'refused',
    `the tag was ${to.tag} then, and here it has a field of its own: write ${to.tag} and ${to.digest} by hand`,
    { file, line, column, image: reference.text },
  );
}

/** What `pin --update` leaves alone from now on. @param reason undefined: the hold is released */
export function holdChange({ lock: file, top }: Project, steps: readonly Step[], reason: string | undefined): Change {
  const at = new Date().toISOString();
  const by = userInfo().username;
  return {
    kind: 'merge',
    file,
    root: top,
    merge: (now) => {
      const lock: Lock = now === undefined ? new Map() : parseLock(now.toString('utf8'), file);
      for (const { reference, interval } of steps.flatMap(({ chosen }) => chosen)) {
        if (reference.tag === undefined) continue;
        const key = tagKey(withoutDigest(reference));
        if (reason !== undefined) {
          recordDigest(lock, reference, { firstSeen: interval.since, source: 'registry' });
          lock.set(key, { ...(lock.get(key) as LockEntry), hold: { reason, by, at } });
        } else {
          for (const [line, { hold: _, ...entry }] of lock) if (tagOfKey(line) === key) lock.set(line, entry);
        }
      }
      return now === undefined && lock.size === 0 ? undefined : printLock(lock);
    },
  };
}
