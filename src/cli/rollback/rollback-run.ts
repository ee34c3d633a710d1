// What the steps of a rollback share: its options, what it records in the ledger, and its report.
import { userInfo } from 'node:os';
import type { Step } from '../../inventory/rollback-plan.ts';
import type { LedgerEvent } from '../../ledger/event.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Blocked } from '../../policy/config.ts';
import type { Problem } from '../../problem.ts';
import type { Report } from '../../report/report.ts';
import type { ClusterFlags } from '../cluster/cluster.ts';
import type { CommonOptions, Context } from '../shared/command.ts';
import type { OpenProject } from '../shared/project.ts';
import type { RegistryFlags } from '../shared/registry.ts';

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
    lock?: string;
  };
export type RollbackRun = {
  readonly ledger: Ledger;
  readonly options: RollbackOptions;
  readonly context: Context;
  readonly paths: string[];
  readonly project: OpenProject;
};

/** One append: the record has the rollback with what it blocks, or neither. */
export async function recordRollback(
  steps: readonly Step[],
  blocked: readonly Blocked[],
  way: 'files' | 'cluster',
  { ledger, options: { reason = '' } }: RollbackRun,
): Promise<void> {
  const by = userInfo().username;
  const events: LedgerEvent[] = steps.flatMap(({ workload: { namespace, kind, name }, chosen }) =>
    chosen.map(({ interval, reference }) => ({
      kind: 'rollback' as const,
      cluster: interval.cluster,
      namespace,
      workload: { kind, name },
      container: interval.container,
      image: reference.text,
      digest: reference.digest as string,
      reason,
      by,
      way,
    })),
  );
  if (blocked.length > 0) events.push({ kind: 'block', digests: blocked.map(({ digest }) => digest), reason, by });
  await ledger.append(events);
}

export function rollbackReport(problems: readonly Problem[], summary: readonly string[], data: object): Report {
  return { command: 'rollback', sections: [], findings: [], problems, summary, data };
}
