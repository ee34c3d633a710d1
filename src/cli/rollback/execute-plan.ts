// A plan that passed every check is written: into the files, for Git, or into the cluster.
import { userInfo } from 'node:os';
import { commit } from '../../commit/commit.ts';
import { changedFiles, explainOutcome } from '../../commit/outcome.ts';
import { parseReference, repositoryOf } from '../../image/reference.ts';
import type { Checked } from '../../inventory/rollback-candidates.ts';
import { oneCluster, type Step, workloadName } from '../../inventory/rollback-plan.ts';
import type { Blocked } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';
import { withCluster } from '../cluster/cluster.ts';
import { gather } from '../shared/gather.ts';
import { configurationToWrite } from '../shared/project.ts';
import { applyToCluster, type Changed } from './apply-to-cluster.ts';
import { blockChange, blockInCluster, closureDigests, pullableDigests } from './block.ts';
import { type RollbackRun, recordRollback, rollbackReport } from './rollback-run.ts';
import { holdChange, planFiles } from './write-files.ts';

export async function executePlan(
  steps: readonly Step<Checked>[],
  left: readonly string[],
  run: RollbackRun,
): Promise<Report> {
  const notes = left.map((line) => `left as it is: ${line}`);
  if (steps.every(({ chosen }) => chosen.length === 0))
    return rollbackReport([], [...notes, 'nothing is to be changed'], {});
  // Known before anything changes: afterwards what is bad runs no longer.
  const blocked = run.options.block ? await blockedOf(steps, run) : [];
  const report = await (run.options.apply ? writeToCluster : writeToFiles)(steps, blocked, run);
  return { ...report, summary: [...notes, ...report.summary] };
}

async function writeToFiles(
  steps: readonly Step<Checked>[],
  blocked: readonly Blocked[],
  run: RollbackRun,
): Promise<Report> {
  const { options, context, paths, project } = run;
  const gathered = await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, project, context);
  const { changes, diff, problems } = await planFiles(steps, gathered, { wantsDiff: options.diff, top: project.top });
  if (context.signal.aborted) throw new Problem('interrupted', 'interrupted; nothing was changed');
  if (problems.length > 0) return rollbackReport(problems, ['nothing was changed'], { changed: [], to: steps });
  if (options.diff) {
    const changed = changes.map(({ file }) => file);
    return { ...rollbackReport([], [`would change ${plural(changed.length, 'file')}`], { changed, to: steps }), diff };
  }
  // The hold and the blocklist come before the manifests: a machine that dies in between blocks too much, not too little.
  const others = [
    holdChange(project, steps, options.reason),
    ...(blocked.length > 0 ? [blockChange(configurationToWrite(project), project.top, blocked)] : []),
  ];
  const outcome = await commit(
    [...others, ...changes],
    [{ name: 'the ledger entry', run: () => recordRollback(steps, blocked, 'files', run) }],
  );
  const manifests = new Set(changes.map(({ file }) => file));
  const changed = changedFiles(outcome).filter((file) => manifests.has(file));
  const said =
    outcome.problems.length > 0
      ? []
      : [`changed ${plural(changed.length, 'file')}; ${project.lock} holds it against pin --update; commit both`];
  return rollbackReport(outcome.problems, [...said, ...explainOutcome(outcome)], { changed, to: steps });
}

async function writeToCluster(
  steps: readonly Step<Checked>[],
  blocked: readonly Blocked[],
  run: RollbackRun,
): Promise<Report> {
  const { options } = run;
  const by = `${userInfo().username}: ${options.reason ?? ''}`.slice(0, 200);
  return withCluster(options, async (kube) => {
    const patch = async ({ workload, chosen }: Step<Checked>, dryRun: boolean) => {
      const images = new Map(chosen.map(({ interval, reference }) => [interval.container, reference.text]));
      const changed = await applyToCluster(kube, workload, images, { dryRun, by });
      return changed.map((item) => ({ ...item, workload: workloadName(workload) }));
    };
    // The API server tries all of the plan before any of it is done.
    const tried: ChangedWorkload[] = [];
    for (const step of steps) tried.push(...(await patch(step, true)));
    const canBlock = blocked.length === 0 || (await blockInCluster(kube, blocked, true));
    const noted = canBlock ? [] : ['this cluster has no policy objects: block it in tagproof.yaml, without --apply'];
    if (options.diff) return clusterReport(tried, [], ['the API server would take it; nothing was changed', ...noted]);

    const changed: ChangedWorkload[] = [];
    const applied: Step<Checked>[] = [];
    const outcome = await commit(
      [],
      [
        ...steps.map((step) => ({
          name: workloadName(step.workload),
          // Somebody changed it in between: the others are rolled back all the same, and the report names this one.
          independent: true,
          run: async () => {
            changed.push(...(await patch(step, false)));
            applied.push(step);
          },
        })),
        {
          name: 'the ledger entry',
          independent: true,
          run: async () => {
            if (applied.length > 0) await recordRollback(applied, blocked, 'cluster', run);
          },
        },
        {
          name: 'the blocklist',
          independent: true,
          run: async () => {
            if (applied.length > 0 && blocked.length > 0 && canBlock) await blockInCluster(kube, blocked, false);
          },
        },
      ],
    );
    const said = `${plural(changed.length, 'container')} rolled back; Git still says something else: run it without --apply too`;
    return clusterReport(changed, outcome.problems, [said, ...explainOutcome(outcome), ...noted]);
  });
}

type ChangedWorkload = Changed & { readonly workload: string };

const clusterReport = (
  changed: readonly ChangedWorkload[],
  problems: readonly Problem[],
  summary: readonly string[],
): Report => ({
  ...rollbackReport(problems, summary, { changed }),
  sections: [
    {
      head: ['workload', 'container', 'was', 'is'],
      rows: changed.map(({ workload, container, from, to }) => [workload, container, from, to]),
    },
  ],
});

/**
 * What the rolled-back containers run now, and everything that belongs to it; never what they are rolled back to,
 * or a part of that: two indexes may share a manifest, and a node may name a manifest where another names the index.
 */
async function blockedOf(steps: readonly Step<Checked>[], { ledger, options }: RollbackRun): Promise<Blocked[]> {
  const good = new Set<string>();
  for (const { chosen } of steps)
    for (const { reference } of chosen)
      for (const digest of await closureDigests(ledger, reference.digest as string)) good.add(digest);
  const bad = new Map<string, string>();
  for (const { workload, chosen } of steps) {
    const containers = new Set(chosen.map(({ interval }) => interval.container));
    const runs = oneCluster(await ledger.runHistory(workload), options.clusterName);
    for (const { digest, container, until, image } of runs) {
      const reference = parseReference(image);
      if (until !== null || !containers.has(container) || reference instanceof Problem) continue;
      for (const member of await pullableDigests(ledger, digest))
        if (!good.has(member)) bad.set(member, repositoryOf(reference));
    }
  }
  if (bad.size === 0)
    throw new Problem('not-found', '--block: the ledger has no record of anything else running there');
  const details = { reason: options.reason ?? '', by: userInfo().username, at: new Date().toISOString() };
  return [...bad].map(([digest, repository]) => ({ digest, repository, ...details }));
}
