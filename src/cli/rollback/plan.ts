// What a rollback needs from the ledger, and the report when today's rules or registries refuse it.
import { parseReference } from '../../image/reference.ts';
import { type Checked, candidatesOf, type RollbackCandidate } from '../../inventory/rollback-candidates.ts';
import {
  imageToPull,
  oneCluster,
  type Plan,
  planNamespace,
  refusedIn,
  type Step,
  workloadName,
} from '../../inventory/rollback-plan.ts';
import type { Ledger, RunInterval } from '../../ledger/ledger.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';

/** What ran, with what would have to be pulled for it. */
export async function candidatesIn(ledger: Ledger, runs: readonly RunInterval[]): Promise<RollbackCandidate[]> {
  const digests = [...new Set(runs.map(({ digest }) => digest))];
  const images = Map.groupBy(await ledger.rootsOf(digests), ({ member }) => member);
  const found = new Map<RunInterval, string>();
  for (const run of runs) {
    const roots = (images.get(run.digest) ?? []).map(({ root }) => root);
    if (roots.length === 0) continue;
    const declared = parseReference(run.image);
    if (declared instanceof Problem || declared.digest === run.digest) continue;
    const { registry, repository, tag = 'latest' } = declared;
    const tagged = declared.digest === undefined ? await ledger.tagHistory(registry, repository, tag) : [];
    const image = imageToPull(run, roots, tagged);
    if (image !== undefined) found.set(run, image);
  }
  return candidatesOf(runs, found);
}

/** @param only workloads of a release; undefined: all of the namespace */
export async function planOfNamespace(
  ledger: Ledger,
  {
    namespace,
    time,
    cluster,
    only,
  }: {
    readonly namespace: string;
    readonly time: Date;
    readonly cluster: string | undefined;
    readonly only: ReadonlySet<string> | undefined;
  },
): Promise<Plan> {
  const ran = oneCluster(await ledger.at(time, { namespace }), cluster);
  const chosen = cluster ?? ran[0]?.cluster;
  const runs = oneCluster(await ledger.at(new Date(), { namespace }), chosen);
  const candidates = new Map<string, RollbackCandidate[]>();
  for (const run of ran) {
    const title = workloadName(run);
    if (candidates.has(title)) continue;
    const { kind, name } = run;
    const history = oneCluster(await ledger.runHistory({ namespace, kind, name }), chosen);
    candidates.set(title, await candidatesIn(ledger, history));
  }
  return planNamespace({ namespace, time, ran, runs, candidates, only });
}

/** Why a digest must never run again. */
export const blocklistOf = async (ledger: Ledger): Promise<ReadonlyMap<string, string>> =>
  new Map((await ledger.statements.blocklist()).map(({ digest, reason }) => [digest, reason]));

/** @returns undefined: every image of the plan can be pulled and would be admitted today */
export function refusal(steps: readonly Step<Checked>[]): Report | undefined {
  const refused = refusedIn(steps);
  if (refused.length === 0) return undefined;
  const all = steps.reduce((sum, { chosen }) => sum + chosen.length, 0);
  return {
    command: 'rollback',
    sections: [],
    findings: refused
      .filter(({ unchecked }) => !unchecked)
      .map(({ item, message }) => ({
        rule: item.notPullable === undefined ? 'policy-denied' : 'digest-gone',
        level: 'error',
        image: item.reference.text,
        message,
      })),
    problems: refused
      .filter(({ unchecked }) => unchecked)
      .map(({ item, message }) => new Problem('unreachable', message, { image: item.reference.text })),
    summary: [`${plural(refused.length, 'container')} of ${all} cannot be rolled back, so nothing was changed`],
    data: { refused: refused.map(({ item, message }) => ({ ...item, message })) },
  };
}
