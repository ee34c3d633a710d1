// Going back, carried out: into the files for Git, or into the cluster; held, recorded, and what was bad blocked.
import { userInfo } from 'node:os';
import { parseReference, repositoryOf } from '../../image/reference.ts';
import type { Checked } from '../../inventory/rollback-candidates.ts';
import type { LedgerEvent } from '../../ledger/event.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Blocked } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import type { Report } from '../../report/report.ts';
import { type ClusterFlags, withCluster } from '../cluster/cluster.ts';
import { plural } from '../pin/scan.ts';
import type { CommonOptions, Context } from '../shared/command.ts';
import { gather, loadConfig } from '../shared/gather.ts';
import type { RegistryFlags } from '../shared/registry.ts';
import { applyToCluster, type Changed } from './apply-to-cluster.ts';
import { blockInCluster, blockInFile, closureDigests, pullableDigests } from './block.ts';
import { oneCluster, type Step, workloadName } from './plan.ts';
import { holdInLock, intoFiles } from './write-files.ts';

export type RollbackOptions = CommonOptions &
  RegistryFlags &
  ClusterFlags & {
    to?: string;
    reason?: string;
    diff: boolean;
    apply: boolean;
    block: boolean;
    release: boolean;
    selector?: string;
    clusterName?: string;
    ledger: string;
    lock: string;
  };
export type RollbackRun = {
  readonly ledger: Ledger;
  readonly options: RollbackOptions;
  readonly context: Context;
  readonly paths: string[];
};

/** Writes the plan: into the files, or into the cluster. */
export async function executePlan(
  steps: readonly Step<Checked>[],
  left: readonly string[],
  run: RollbackRun,
): Promise<Report> {
  const { options, context, paths } = run;
  const containers = steps.reduce((sum, { chosen }) => sum + chosen.length, 0);
  const notes = left.map((line) => `left as it is: ${line}`);
  if (containers === 0) return rollbackReport([], [], [...notes, 'nothing is to be changed'], {});
  // Known before anything changes: afterwards what is bad runs no longer.
  const blocked = options.block ? await blockedOf(steps, run) : [];
  if (options.apply) return withNotes(await apply(steps, blocked, run), notes);
  const config = await loadConfig(options.config);
  const gathered = await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, config, context);
  const { changed, diff, problems, failed } = intoFiles(steps, gathered, !options.diff && !context.signal.aborted);
  if (!options.diff && !failed) {
    blockInFile(options.config ?? 'tagproof.yaml', blocked);
    holdInLock(options.lock, steps, options.reason);
    await record(steps, 'files', run);
    await recordBlocked(blocked, run);
  }
  const says = failed
    ? 'nothing was changed'
    : options.diff
      ? `would change ${plural(changed.length, 'file')}`
      : `changed ${plural(changed.length, 'file')}; ${options.lock} holds it against pin --update; commit both`;
  const report = rollbackReport([], problems, [...notes, says], { changed, to: steps });
  return options.diff ? { ...report, diff } : report;
}

async function apply(steps: readonly Step<Checked>[], blocked: readonly Blocked[], run: RollbackRun): Promise<Report> {
  const { options } = run;
  const by = `${userInfo().username}: ${options.reason ?? ''}`.slice(0, 200);
  const changed: (Changed & { workload: string })[] = [];
  const problems: Problem[] = [];
  let isBlocked = true;
  await withCluster(options, async (kube) => {
    const go = async ({ workload, chosen }: Step<Checked>, dryRun: boolean) => {
      const images = new Map(chosen.map(({ interval, reference }) => [interval.container, reference.text]));
      return applyToCluster(kube, workload, images, { dryRun, by });
    };
    // All of the plan is tried before any of it is done.
    for (const step of steps) await go(step, true);
    for (const step of steps) {
      try {
        const done = await go(step, options.diff);
        changed.push(...done.map((item) => ({ ...item, workload: workloadName(step.workload) })));
        if (!options.diff) await record([step], 'cluster', run);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        // Somebody changed it in between: the others still go back, and this one is told.
        problems.push(new Problem(error.code, `${workloadName(step.workload)}: ${error.message}`, {}, error));
      }
    }
    if (blocked.length === 0 || options.diff || changed.length === 0) return;
    await recordBlocked(blocked, run);
    isBlocked = await blockInCluster(kube, blocked);
  });
  const says = options.diff
    ? 'the API server would take it; nothing was changed'
    : `${plural(changed.length, 'container')} went back; Git still says something else: run it without --apply too`;
  return {
    ...rollbackReport(
      problems,
      [],
      isBlocked
        ? [says]
        : [says, 'there are no policy objects in this cluster: block it in tagproof.yaml, without --apply'],
      { changed },
    ),
    sections: [
      {
        head: ['workload', 'container', 'was', 'is'],
        rows: changed.map(({ workload, container, from, to }) => [workload, container, from, to]),
      },
    ],
  };
}

/**
 * What the containers that go back run now, and everything that belongs to it; never what they go back to, or a part of it: two indexes may
 * share a manifest, and a node may name a manifest where another names the index.
 */
async function blockedOf(steps: readonly Step<Checked>[], { ledger, options }: RollbackRun): Promise<Blocked[]> {
  const kept = new Set<string>();
  for (const { chosen } of steps)
    for (const { reference } of chosen)
      for (const digest of await closureDigests(ledger, reference.digest)) kept.add(digest);
  const bad = new Map<string, string>();
  for (const { workload, chosen } of steps) {
    const containers = new Set(chosen.map(({ interval }) => interval.container));
    const runs = oneCluster(await ledger.runHistory(workload), options.clusterName);
    for (const { digest, container, until, image } of runs) {
      const reference = parseReference(image);
      if (until !== null || !containers.has(container) || reference instanceof Problem) continue;
      for (const member of await pullableDigests(ledger, digest))
        if (!kept.has(member)) bad.set(member, repositoryOf(reference));
    }
  }
  if (bad.size === 0) throw new Problem('not-found', '--block: the ledger knows of nothing else that runs there now');
  const said = { reason: options.reason ?? '', by: userInfo().username, at: new Date().toISOString() };
  return [...bad].map(([digest, repository]) => ({ digest, repository, ...said }));
}

async function record(
  steps: readonly Step[],
  way: 'files' | 'cluster',
  { ledger, options }: RollbackRun,
): Promise<void> {
  const by = userInfo().username;
  const { reason = '' } = options;
  const events: LedgerEvent[] = steps.flatMap(({ workload: { namespace, kind, name }, chosen }) =>
    chosen.map(({ interval, reference }) => ({
      kind: 'rollback' as const,
      cluster: interval.cluster,
      namespace,
      workload: { kind, name },
      container: interval.container,
      image: reference.text,
      digest: reference.digest,
      reason,
      by,
      way,
    })),
  );
  await ledger.append(events);
}

async function recordBlocked(blocked: readonly Blocked[], { ledger, options }: RollbackRun): Promise<void> {
  if (blocked.length === 0) return;
  const digests = blocked.map(({ digest }) => digest);
  await ledger.append([{ kind: 'block', digests, reason: options.reason ?? '', by: userInfo().username }]);
}

const withNotes = (report: Report, notes: readonly string[]): Report => ({
  ...report,
  summary: [...notes, ...report.summary],
});

export function rollbackReport(
  more: readonly Problem[],
  problems: readonly Problem[],
  summary: string[],
  data: object,
): Report {
  return { command: 'rollback', sections: [], findings: [], problems: [...more, ...problems], summary, data };
}
