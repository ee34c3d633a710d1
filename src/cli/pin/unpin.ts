// tagproof unpin: takes out what pin wrote, byte for byte, without network.
import { commitFiles } from '../../commit/commit.ts';
import { changedFiles, explainOutcome } from '../../commit/outcome.ts';
import type { Found } from '../../flow.ts';
import { shortDigest } from '../../image/digest.ts';
import { isPinned, tagKey, withoutDigest } from '../../image/reference.ts';
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

const EXAMPLES = `
tagproof unpin                       back to tags, in this repository
tagproof unpin --diff deploy/        show what would change, write nothing
tagproof unpin - < pinned.yaml
tagproof unpin --untagged            also name@sha256:… that no lock knows
`;

type Options = CommonOptions & FindFlags & { diff: boolean; untagged: boolean; lock?: string };

export function run(args: string[]): Promise<number> {
  const command = findOptions(
    defineCommand('unpin', 'Takes the digests out again: the exact inverse of pin, without network.', EXAMPLES),
  )
    .option('--diff', 'show a unified diff and write nothing; exit code 1 if there is any', false)
    .option('--lock <file>', `${LOCK_HELP}; it knows what pin wrote behind a name without tag`)
    .option('--untagged', 'take every digest, also where only a bare name (latest) would be left', false);
  return execute<Options>(command, args, async (paths, options, context) => {
    const project = await openProject(options);
    const gathered = await gather(paths, options, project, context);
    const { lock } = readLock(project.lock);
    const goes = (found: Found) => found.slot.unpin !== undefined && (options.untagged || hasWayBack(found, lock));
    const planned = gathered.results.map((result) => ({
      result,
      changes: result.found.filter(goes).flatMap((found) => {
        const edit = unpinEdit(found);
        return edit === undefined ? [] : [{ found, edit, digest: undefined }];
      }),
    }));
    const findings = gathered.found.filter((found) => found.reference.digest !== undefined && !goes(found)).map(stuck);
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
        report: { ...base, sections: [], problems, summary: [`unpinned ${plural(editsIn(planned), 'image')}`] },
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
          ...(outcome === undefined ? [] : explainOutcome(outcome)),
          ...(stopped.length > 0 && !options.diff ? ['nothing was changed'] : []),
          ...projectLines(project),
        ],
        data: { project: projectData(project), unpinned: describe(unpinned), changed },
      },
    };
  });
}

const editsIn = (planned: readonly Planned[]) => planned.reduce((sum, { changes }) => sum + changes.length, 0);

/**
 * `name@sha256:…` would become the bare name, which means latest: taken out only where the lock knows that pin wrote it,
 * for else it was its author's own pin.
 */
function hasWayBack({ reference }: Found, lock: Lock): boolean {
  return reference.tag !== undefined || lock.get(tagKey(reference))?.digest === reference.digest;
}

function stuck(found: Found): Finding {
  const why =
    found.slot.blocked ?? 'there is no tag beside the digest, and the lock does not know it (--untagged takes it)';
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
