// The candidates of a workload: what it ran, whether its registry still serves that, and whether today's rules admit it.
import type { PolicyContext } from '../../evaluate/evaluate.ts';
import { shortDigest } from '../../image/digest.ts';
import { type Checked, check, distinct } from '../../inventory/rollback-candidates.ts';
import { oneCluster, type WorkloadRef, workloadName } from '../../inventory/rollback-plan.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report } from '../../report/report.ts';
import { noRecord, time } from '../cluster/history.ts';
import { blocklistOf, candidatesIn } from './plan.ts';
import type { RollbackRun } from './rollback-run.ts';

export async function listCandidates(
  workload: WorkloadRef,
  client: RegistryClient,
  policyContext: PolicyContext | undefined,
  { ledger, options }: RollbackRun,
): Promise<Report> {
  const what = workloadName(workload);
  const runs = oneCluster(await ledger.runHistory(workload), options.clusterName);
  const blocklist = await blocklistOf(ledger);
  const candidates = distinct(await candidatesIn(ledger, runs));
  const checked = await Promise.all(
    candidates.map((item) => check(item, { client, policyContext, workload, blocklist })),
  );
  return {
    command: 'rollback',
    sections:
      checked.length === 0
        ? []
        : [
            {
              title: what,
              head: [
                'container',
                'image',
                'digest',
                'revision',
                'since',
                'until',
                'changed by',
                'signed by',
                'can be restored',
              ],
              rows: checked.map(rowOf),
            },
          ],
    findings: [],
    problems: [],
    summary: [
      checked.length === 0
        ? await noRecord(ledger, what)
        : `${plural(checked.length, 'candidate')}; choose with --to DIGEST, --to REVISION or --to TIME`,
    ],
    data: { candidates: checked },
  };
}

function rowOf({ interval, reference, current, notPullable, denied, signers }: Checked): Cell[] {
  const { container, since, until, revision, actor } = interval;
  const verdict: Cell = current
    ? { text: 'runs now', style: 'dim' }
    : notPullable !== undefined
      ? { text: `no: ${notPullable.message}`, style: 'bad' }
      : denied !== undefined
        ? { text: `no: ${denied}`, style: 'bad' }
        : { text: 'yes', style: 'good' };
  const name = reference.tag === undefined ? reference.name : `${reference.name}:${reference.tag}`;
  const by: Cell = signers === undefined ? { text: '-', style: 'dim' } : signers.join(', ') || 'nobody';
  const end = until === null ? 'now' : `${time(until)}${ageOf(until)}`;
  return [container, name, shortDigest(reference.digest), revision || '-', time(since), end, actor ?? '-', by, verdict];
}

function ageOf(until: string): string {
  const days = Math.floor((Date.now() - Date.parse(until)) / 86_400_000);
  return days < 1 ? '' : ` (${plural(days, 'day')} ago)`;
}
