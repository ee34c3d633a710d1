// tagproof rollback: restores exactly what ran before, third-party images too; in the files, for Git, or in the cluster.
import { userInfo } from 'node:os';
import { Option } from 'commander';
import { commit } from '../../commit/commit.ts';
import { explainOutcome } from '../../commit/outcome.ts';
import { loadPolicyContext, type PolicyContext } from '../../evaluate/evaluate.ts';
import { shortDigest } from '../../image/digest.ts';
import { type Checked, check, choose } from '../../inventory/rollback-candidates.ts';
import {
  oneCluster,
  type Plan,
  parseTarget,
  type Step,
  targetsOf,
  type WorkloadRef,
  workloadName,
} from '../../inventory/rollback-plan.ts';
import { TEMPLATED } from '../../kube/kinds.ts';
import { pathOf } from '../../kube/object.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { readLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Report } from '../../report/report.ts';
import { clusterOptions, withCluster } from '../cluster/cluster.ts';
import { ledgerOption, withLedger } from '../cluster/history.ts';
import { defineCommand, execute } from '../shared/command.ts';
import { LOCK_HELP, openProject } from '../shared/project.ts';
import { registryOptions, withClient } from '../shared/registry.ts';
import { executePlan } from './execute-plan.ts';
import { listCandidates } from './list.ts';
import { blocklistOf, candidatesIn, planOfNamespace, refusal } from './plan.ts';
import { type RollbackOptions, type RollbackRun, rollbackReport } from './rollback-run.ts';
import { holdChange } from './write-files.ts';

const EXAMPLES = `
tagproof rollback shop/Deployment/web                                    what it could be rolled back to
tagproof rollback shop/Deployment/web --to sha256:3590… --diff           what would change in the files here
tagproof rollback shop/Deployment/web --to 3 --reason "v2 leaks"         to its revision 3, in the files, for Git
tagproof rollback shop --to 2026-11-24T14:59:00Z --reason "bad release"  the whole namespace, as one plan
tagproof rollback shop -l app.kubernetes.io/instance=web --to 2026-11-24T14:59:00Z --apply --reason …   one release, in the cluster
tagproof rollback shop/Deployment/web --to 3 --block --reason …    and add what runs now to the blocklist
tagproof rollback shop/Deployment/web --release                          ends the hold
`;

export function run(args: string[]): Promise<number> {
  const command = ledgerOption(
    registryOptions(
      clusterOptions(defineCommand('rollback', 'Rolls a workload back to exactly what it ran before.', EXAMPLES)),
    ),
  )
    .argument('<what>', 'NAMESPACE/KIND/NAME, or a namespace')
    .argument('[paths...]', 'files and folders with the manifests (default: .)')
    .option('--to <target>', 'a digest, a revision or a time; left out, the candidates are listed')
    .option('--reason <text>', 'why; recorded in the lock and in the ledger')
    .option('--diff', 'show what would change, and change nothing', false)
    .option('--apply', 'change the cluster instead of the files', false)
    .option('--block', 'add what runs now to the blocklist', false)
    .addOption(new Option('--never-again').hideHelp().implies({ block: true }))
    .option('--release', 'end the hold on a workload that was rolled back', false)
    .option('-l, --selector <labels>', 'with a namespace: only workloads with these labels, such as those of a release')
    .option('--cluster-name <name>', 'name of the cluster in the ledger, where it has several')
    .option('--lock <file>', `${LOCK_HELP}; it records the hold, which pin --update respects`);
  return execute<RollbackOptions>(command, args, async ([what = '', ...paths], options, context) => {
    const target = targetsOf(what);
    const project = await openProject(options);
    const { config } = project;
    return withLedger(options.ledger, async (ledger) => {
      const run = { ledger, options, context, paths, project };
      if (options.release) return { report: await releaseHold(target, run) };
      if (options.to === undefined && !('kind' in target))
        throw new Problem('usage', 'expected --to with a time: a whole namespace has no list of candidates');
      const policyContext =
        config.rules.length === 0 ? undefined : await loadPolicyContext(config, readLock(project.lock).lock);
      return withClient(options, config, context, async (client) => {
        if (options.to === undefined && 'kind' in target)
          return { report: await listCandidates(target, client, policyContext, run) };
        const plan = await planOf(target, run);
        const steps = await checkAll(plan, client, policyContext, ledger);
        const refused = refusal(steps);
        if (refused !== undefined) return { report: refused };
        if (!options.diff && options.reason === undefined)
          throw new Problem('usage', 'expected --reason: the record must say why');
        return { report: await executePlan(steps, plan.left, run) };
      });
    });
  });
}

async function planOf(
  target: WorkloadRef | { readonly namespace: string },
  { ledger, options }: RollbackRun,
): Promise<Plan> {
  const to = parseTarget(options.to ?? '');
  if ('kind' in target) {
    const runs = oneCluster(await ledger.runHistory(target), options.clusterName);
    const chosen = choose(await candidatesIn(ledger, runs), to);
    return { steps: [{ workload: target, chosen }], left: [] };
  }
  if (to.kind !== 'time')
    throw new Problem(
      'usage',
      '--to: a whole namespace can be rolled back to a time only, such as 2026-11-24T14:59:00Z',
    );
  const only = options.selector === undefined ? undefined : await selected(target.namespace, options.selector, options);
  return planOfNamespace(ledger, { namespace: target.namespace, time: to.time, cluster: options.clusterName, only });
}

/** The workloads with these labels, as the cluster has them now. */
function selected(namespace: string, selector: string, options: RollbackOptions): Promise<ReadonlySet<string>> {
  return withCluster(options, async (kube) => {
    const names = new Set<string>();
    for (const kind of TEMPLATED) {
      const query = `&labelSelector=${encodeURIComponent(selector)}`;
      const { items } = await kube.list(pathOf(kind, namespace), query, ({ metadata }) => metadata?.name ?? '');
      for (const name of items) names.add(workloadName({ namespace, kind: kind.kind, name }));
    }
    if (names.size === 0) throw new Problem('not-found', `nothing in ${namespace} has the labels ${selector}`);
    return names;
  });
}

async function checkAll(
  { steps }: Plan,
  client: RegistryClient,
  policyContext: PolicyContext | undefined,
  ledger: Ledger,
): Promise<Step<Checked>[]> {
  const blocklist = await blocklistOf(ledger);
  return Promise.all(
    steps.map(async ({ workload, chosen }) => ({
      workload,
      chosen: await Promise.all(
        chosen.map((candidate) => check(candidate, { client, policyContext, workload, blocklist })),
      ),
    })),
  );
}

/** Ends the hold: in the lock, and in the ledger, which the watcher reads. */
async function releaseHold(
  target: WorkloadRef | { readonly namespace: string },
  { ledger, options, project }: RollbackRun,
): Promise<Report> {
  if (!('kind' in target)) throw new Problem('usage', '--release: expected NAMESPACE/KIND/NAME');
  const { namespace, kind, name } = target;
  const what = workloadName(target);
  const held = (await ledger.statements.holds()).filter(
    (hold) => hold.namespace === namespace && hold.kind === kind && hold.name === name,
  );
  if (held.length === 0) throw new Problem('not-found', `${what} is not held, as far as the ledger knows`);
  const digests = new Set(held.map(({ digest }) => digest));
  const candidates = await candidatesIn(ledger, await ledger.runHistory(target));
  const chosen = candidates.filter(({ reference }) => digests.has(reference.digest));
  const record = () =>
    ledger.append([
      {
        kind: 'release',
        cluster: options.clusterName ?? null,
        namespace,
        workload: { kind, name },
        by: userInfo().username,
      },
    ]);
  const outcome = await commit(
    chosen.length > 0 ? [holdChange(project, [{ workload: target, chosen }], undefined)] : [],
    [{ name: 'the ledger entry', run: record }],
  );
  const released = `${what} is no longer held at ${[...digests].map(shortDigest).join(', ')}`;
  return rollbackReport(
    outcome.problems,
    [...(outcome.problems.length === 0 ? [released] : []), ...explainOutcome(outcome)],
    { held },
  );
}
