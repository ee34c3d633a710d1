// What `tagproof pin` says: a row for each place, a problem for each image without a digest, and the line at the end.
import type { Found, Reference, Resolution, Resolved } from '../../flow.ts';
import { shortDigest } from '../../image/digest.ts';
import { withDigest, withoutDigest } from '../../image/reference.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Finding, Section } from '../../report/report.ts';
import { findingAt } from '../shared/finding.ts';
import type { GatheredFiles } from '../shared/gather.ts';
import { answerFor, isBlocked } from './pin-targets.ts';
import type { Planned } from './rewrite.ts';

/** One problem for each image, at its first place, however many places have it. */
export function unresolved(targets: readonly Found[], answers: ReadonlyMap<string, Resolution>): Problem[] {
  const groups = Map.groupBy(targets, (found) => answerFor(found, answers));
  return [...groups].flatMap(([answer, places]) => {
    if (!(answer instanceof Problem)) return [];
    const [first] = places as [Found];
    const more = places.length > 1 ? ` (and ${places.length - 1} more places)` : '';
    return [
      new Problem(
        answer.code,
        answer.message + more,
        { ...answer.where, file: first.file, line: first.line, column: first.column },
        answer.cause,
      ),
    ];
  });
}

export function pinnedSections(
  planned: readonly Planned[],
  targets: readonly Found[],
  answers: ReadonlyMap<string, Resolution>,
): Section[] {
  const wanted = new Set(targets);
  return planned.flatMap(({ result, changes }) => {
    if (changes.length === 0) return [];
    const rows = result.found.flatMap((found): Cell[][] => {
      const answer = wanted.has(found) ? answerFor(found, answers) : undefined;
      if (answer === undefined || answer instanceof Problem || answer.digest === found.reference.digest) return [];
      const was = found.reference.digest === undefined ? '' : `${shortDigest(found.reference.digest)} `;
      const from = answer.mirror ?? (answer.from === 'lock' ? 'tagproof.lock' : '');
      return [
        [
          { text: `${found.line}:${found.column}`, style: 'dim' },
          withoutDigest(found.reference).text,
          { text: `${was}→ ${shortDigest(answer.digest)}`, style: 'good' },
          { text: from, style: 'dim' },
        ],
      ];
    });
    return [{ title: result.file, head: [], rows }];
  });
}

export function pinnedData(targets: readonly Found[], answers: ReadonlyMap<string, Resolution>): object[] {
  return targets.flatMap((found) => {
    const answer = answerFor(found, answers);
    if (answer === undefined || answer instanceof Problem) return [];
    const { digest, mediaType, size, platforms, from, mirror } = answer as Resolved;
    const { file, line, column, path, object } = found;
    return [
      {
        file,
        line,
        column,
        path,
        object,
        image: found.reference.text,
        pinned: withDigest(found.reference, digest).text,
        digest,
        mediaType,
        size,
        platforms,
        from,
        mirror,
      },
    ];
  });
}

export function wouldChange(found: Found, answers: ReadonlyMap<string, Resolution>): Finding {
  const { digest } = answerFor(found, answers) as Resolved;
  return findingAt(found, 'would-change', 'warning', `would be pinned to ${digest}`);
}

export function pinSummary(
  { found }: GatheredFiles,
  {
    changes,
    changed,
    problems,
    dry,
  }: { changes: number; changed: readonly string[]; problems: readonly Problem[]; dry: boolean },
): string[] {
  const pinned = found.filter(({ reference }: { reference: Reference }) => reference.digest !== undefined).length;
  const blocked = found.filter(isBlocked).length;
  const parts = [`${dry ? 'would pin' : 'pinned'} ${plural(changes, 'image')} in ${plural(changed.length, 'file')}`];
  if (pinned > 0) parts.push(`${pinned} pinned before`);
  if (blocked > 0) parts.push(`${blocked} cannot be pinned where they stand`);
  if (problems.length > 0) parts.push(plural(problems.length, 'problem'));
  return [parts.join(', ')];
}
