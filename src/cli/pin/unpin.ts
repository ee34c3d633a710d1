// tagproof unpin: takes out what pin wrote, says the lock, byte for byte, without network. What others wrote stays.
import { commitFiles } from '../../commit/commit.ts';
import { changedFiles, explainOutcome } from '../../commit/outcome.ts';
import type { Found } from '../../flow.ts';
import { shortDigest } from '../../image/digest.ts';
import { isPinned, withoutDigest } from '../../image/reference.ts';
import { entryOf } from '../../lock/digests.ts';
import { type Lock, readLock } from '../../lock/lock.ts';
import { plural } from '../../report/plural.ts';
import type { Finding } from '../../report/report.ts';
import { unifiedDiff } from '../../source/diff.ts';
import { unpinEdit } from '../../source/edit.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { findingAt } from '../shared/finding.ts';
import { type FindFlags, findOptions, gather } from '../shared/gather.ts';
import { LOCK_HELP, openProject, projectData, projectLines } from '../shared/project.ts';
import { applyProved, editsOf, type Planned, planRewrite } from './rewrite.ts';
import { placeNames } from './whole-tree.ts';

const EXAMPLES = `
tagproof unpin                       back to tags, in this repository
tagproof unpin --diff deploy/        show what would change, write nothing
tagproof unpin - < pinned.yaml
tagproof unpin --all                 also digests that others wrote, and name@sha256:…
`;

type Options = CommonOptions & FindFlags & { diff: boolean; all: boolean; lock?: string };

export function run(args: string[]): Promise<number> {
  const command = findOptions(
    defineCommand('unpin', 'Takes the digests out again that pin wrote: its exact inverse, without network.', EXAMPLES),
  )
    .option('--diff', 'show a unified diff and write nothing; exit code 1 if there is any', false)
    .option('--lock <file>', `${LOCK_HELP}; it knows what pin wrote`)
    .option('--all', 'take every digest, whoever wrote it, also where only a bare name (latest) would be left', false);
  return execute<Options>(command, args, async (paths, options, context) => {
    const project = await openProject(options);
    const gathered = await gather(paths, options, project, context);
    const { lock } = readLock(project.lock);
    const names = placeNames(gathered, project.root);
    const isOwn = (found: Found) => options.all || isWrittenByPin(found, lock, names.get(found));
    const goes = (found: Found) => found.slot.unpin !== undefined && isOwn(found);
    const planned = gathered.results.map((result) => ({
      result,
      changes: result.found.filter(goes).flatMap((found) => {
        const edit = unpinEdit(found);
        return edit === undefined ? [] : [{ found, edit, digest: undefined }];
      }),
    }));
    const pinned = gathered.found.filter(({ reference }) => reference.digest !== undefined);
    const findings = pinned.filter((found) => isOwn(found) && !goes(found)).map(stuck);
    const left = leftLines(pinned.filter((found) => !isOwn(found)).length, project.lock);
    const unpinned = gathered.found.filter(goes);
    const base = { command: 'unpin', findings, data: { unpinned: describe(unpinned), changed: [] as string[] } };
    if (gathered.stdin !== undefined) {
      const [only] = planned;
      const edits = only === undefined ? [] : editsOf(only);
      const { problems } = gathered;
      if (options.diff)
        return {
          report: {
            ...base,
            sections: [],
            problems,
            summary: [],
            diff: unifiedDiff(options.stdinName, gathered.stdin, edits),
          },
        };
      const stdout =
        problems.length > 0 || only === undefined ? '' : await applyProved(gathered.stdin, only, gathered.options);
      return {
        report: {
          ...base,
          sections: [],
          problems,
          summary: [`unpinned ${plural(editsIn(planned), 'image')}`, ...left],
        },
        stdout,
      };
    }
    const { changes, diff, refused, stopped } = await planRewrite(planned, {
      wantsDiff: options.diff,
      options: gathered.options,
      top: project.top,
    });
    const outcome = options.diff || stopped.length > 0 ? undefined : commitFiles(changes);
    const changed = options.diff ? changes.map(({ file }) => file) : outcome === undefined ? [] : changedFiles(outcome);
    const problems = [...refused, ...stopped, ...(outcome?.problems ?? [])];
    const rewritten = planned.filter((plan) => plan.changes.length > 0 && changed.includes(plan.result.file));
    const sections = rewritten.map(({ result }) => ({
      title: result.file,
      head: [],
      rows: result.found
        .filter(goes)
        .map((found) => [
          { text: `${found.line}:${found.column}`, style: 'dim' as const },
          withoutDigest(found.reference).text,
          isPinned(found.reference) ? `was ${shortDigest(found.reference.digest)}` : '',
        ]),
    }));
    return {
      report: {
        ...base,
        sections: options.diff ? [] : sections,
        ...(options.diff && { diff }),
        findings: options.diff
          ? [
              ...findings,
              ...unpinned.map((found) => findingAt(found, 'would-change', 'warning', 'would lose its digest')),
            ]
          : findings,
        problems: [...gathered.problems, ...problems],
        summary: [
          `${options.diff ? 'would unpin' : 'unpinned'} ${plural(editsIn(rewritten), 'image')} in ${plural(changed.length, 'file')}`,
          ...left,
          ...(outcome === undefined ? [] : explainOutcome(outcome)),
          ...(stopped.length > 0 && !options.diff ? ['nothing was changed'] : []),
          ...gathered.notes,
          ...projectLines(project),
        ],
        data: { project: projectData(project), unpinned: describe(unpinned), changed },
      },
    };
  });
}

const editsIn = (planned: readonly Planned[]) => planned.reduce((sum, { changes }) => sum + changes.length, 0);

/** The digest is in the lock under its tag, and the lock says nothing of other writers, or names this very place. */
function isWrittenByPin({ reference }: Found, lock: Lock, place: string | undefined): boolean {
  const entry = isPinned(reference) ? entryOf(lock, reference) : undefined;
  if (entry === undefined) return false;
  return entry.wrote === undefined || (place !== undefined && entry.wrote.includes(place));
}

function leftLines(count: number, lock: string): string[] {
  return count === 0
    ? []
    : [`${plural(count, 'digest')} left: not written by tagproof pin, says ${lock}; --all takes them out`];
}

function stuck(found: Found): Finding {
  const why = found.slot.blocked ?? 'the field would be invalid without its digest';
  return findingAt(found, 'not-pinnable', 'note', `was left as it is: ${why}`);
}

function describe(found: readonly Found[]): object[] {
  return found.map(({ file, line, column, path, reference }) => ({
    file,
    line,
    column,
    path,
    image: reference.text,
    unpinned: withoutDigest(reference).text,
  }));
}
