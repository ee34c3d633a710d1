// Single faults in rolling back.
import type { Mutant } from './mutant.ts';

const of = (file: string, name: string, from: string, to: string, ...tests: string[]): Mutant => ({
  name,
  file,
  from,
  to,
  tests,
});
const PLAN = 'src/inventory/rollback-plan.ts';
const APPLY = 'src/cli/rollback/apply-to-cluster.ts';
const EXECUTE = 'src/cli/rollback/execute-plan.ts';
const EXECUTE_TEST = 'src/cli/rollback/execute-plan.test.ts';
const PLAN_TEST = 'src/inventory/rollback-plan.test.ts';
const APPLY_TEST = 'src/cli/rollback/apply-to-cluster.test.ts';

export const ROLLBACK_MUTANTS: readonly Mutant[] = [
  of(PLAN, 'Jobs and pods as targets', '!ROLLBACK_KINDS.includes(run.kind)', 'false', PLAN_TEST),
  of(PLAN, 'clusters are mixed', 'wanted === undefined && names.length > 1', 'false', PLAN_TEST),
  of(PLAN, 'the chosen cluster does not count', 'wanted === undefined || cluster === wanted', 'true', PLAN_TEST),
  of(
    PLAN,
    'workloads of other releases are rolled back',
    'only === undefined || only.has(workloadName(run))',
    'true',
    PLAN_TEST,
  ),
  of(PLAN, 'what cannot be pulled is rolled back to', 'if (notPullable !== undefined)', 'if (false)', PLAN_TEST),
  of(PLAN, 'what is denied is rolled back to', 'if (denied === undefined) return [];', 'return [];', PLAN_TEST),
  of(
    PLAN,
    'a guess where several images share a part',
    '(images.length === 1 ? images[0] : undefined)',
    'images[0]',
    PLAN_TEST,
  ),
  of(APPLY, 'no test in the patch', "{ op: 'test', path: pointer, value: from },", '', APPLY_TEST),
  of(APPLY, 'init containers are forgotten', "['initContainers', 'containers']", "['containers']", APPLY_TEST),
  of(APPLY, 'no dry run first', "await kube.patch(`${path}?dryRun=All`, 'json', patch);", '', APPLY_TEST),
  of(APPLY, 'a dry run changes the cluster', 'if (!dryRun) await', 'await', APPLY_TEST),
  of(
    EXECUTE,
    'no dry run of the whole first',
    'for (const step of steps) tried.push(...(await patch(step, true)));',
    '',
    EXECUTE_TEST,
  ),
  of(
    EXECUTE,
    '--diff changes the cluster',
    'if (options.diff) return clusterReport',
    'if (options.diff && steps.length === 0) return clusterReport',
    EXECUTE_TEST,
  ),
  of(
    EXECUTE,
    'a workload that was not rolled back is recorded',
    'applied.push(step);',
    'applied.push(...steps);',
    EXECUTE_TEST,
  ),
  of(
    EXECUTE,
    'what was rolled back is not recorded',
    'if (applied.length > 0) await recordRollback(applied',
    'if (applied.length === steps.length) await recordRollback(applied',
    EXECUTE_TEST,
  ),
  of(
    'src/cli/rollback/write-files.ts',
    'half a plan is written',
    "if (problems.length > 0) return { changes: [], diff: '', problems };",
    '',
    'src/cli/rollback/holds.test.ts',
  ),
];
