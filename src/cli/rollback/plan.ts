// What would go back to what: one workload, or all of a namespace at a moment, as one plan.
import { parseReference } from '../../image/reference.ts';
import {
  type Checked,
  candidatesOf,
  choose,
  type RollbackCandidate,
  type Target,
} from '../../inventory/rollback-candidates.ts';
import type { Ledger, RunInterval } from '../../ledger/ledger.ts';
import { Problem } from '../../problem.ts';
import type { Report } from '../../report/report.ts';
import { plural } from '../pin/scan.ts';

export type WorkloadRef = { readonly namespace: string; readonly kind: string; readonly name: string };
export type Step<C extends RollbackCandidate = RollbackCandidate> = {
  readonly workload: WorkloadRef;
  readonly chosen: readonly C[];
};
export type Plan = {
  readonly steps: readonly Step[];
  /** Workloads that the plan leaves as they are, and why. */
  readonly left: readonly string[];
};

export const workloadName = ({ namespace, kind, name }: WorkloadRef) => `${namespace}/${kind}/${name}`;

/** `NAMESPACE/KIND/NAME`, or a namespace alone. */
export function targetsOf(text: string): WorkloadRef | { readonly namespace: string } {
  const [, namespace, kind, name] = /^([a-z0-9-]+)(?:\/([A-Za-z]+)\/([a-z0-9.-]+))?$/.exec(text) ?? [];
  if (namespace === undefined)
    throw new Problem('usage', `'${text}': expected NAMESPACE/KIND/NAME, as shop/Deployment/web, or a namespace`);
  return kind === undefined || name === undefined ? { namespace } : { namespace, kind, name };
}

export function parseTarget(text: string): Target {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return { kind: 'digest', digest: text };
  if (/^\d{1,9}$/.test(text)) return { kind: 'revision', revision: text };
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new Problem(
      'usage',
      `--to '${text}': expected a digest (sha256:…), a revision (3) or a time (2026-11-24T14:59:00Z)`,
    );
  return { kind: 'time', time };
}

/** The record of one cluster: two that have a workload of one name must not be mixed. */
export function oneCluster(runs: readonly RunInterval[], wanted: string | undefined): RunInterval[] {
  const names = [...new Set(runs.map(({ cluster }) => cluster))];
  if (wanted === undefined && names.length > 1)
    throw new Problem(
      'usage',
      `the ledger has it in several clusters: choose with --cluster-name ${names.join(' or ')}`,
    );
  return runs.filter(({ cluster }) => wanted === undefined || cluster === wanted);
}

/** What ran, with what would have to be pulled for it: some nodes name a part of an image, and that is not what to go back to. */
export async function candidatesIn(ledger: Ledger, runs: readonly RunInterval[]): Promise<RollbackCandidate[]> {
  const digests = [...new Set(runs.map(({ digest }) => digest))];
  const roots = Map.groupBy(await ledger.rootsOf(digests), ({ member }) => member);
  const found = new Map<RunInterval, string>();
  for (const run of runs) {
    const own = (roots.get(run.digest) ?? []).map(({ root }) => root);
    const declared = parseReference(run.image);
    if (own.length === 0 || declared instanceof Problem || declared.digest === run.digest) continue;
    const { registry, repository, tag = 'latest' } = declared;
    // Several images may share a part: then it was the one that the tag pointed to.
    const tags = declared.digest === undefined ? await ledger.tagHistory(registry, repository, tag) : [];
    const then = tags.filter(
      ({ since, until }) => (run.until === null || since < run.until) && (until === null || until > run.since),
    );
    const root = own.find((digest) => digest === declared.digest || then.some((item) => item.digest === digest));
    if (root !== undefined) found.set(run, root);
    else if (own.length === 1) found.set(run, own[0] as string);
  }
  return candidatesOf(runs, found);
}

/** What can be gone back to is a template: pods that nobody makes anew, and Jobs that have run, are not. */
const TEMPLATES = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'ReplicaSet', 'ReplicationController'];

/**
 * Everything that ran in a namespace at a moment.
 * @param only workloads of a release; undefined: all
 */
export async function planOfNamespace(
  ledger: Ledger,
  namespace: string,
  time: Date,
  cluster: string | undefined,
  only: ReadonlySet<string> | undefined,
): Promise<Plan> {
  const then = oneCluster(await ledger.at(time, { namespace }), cluster);
  const now = oneCluster(await ledger.at(new Date(), { namespace }), cluster ?? then[0]?.cluster);
  const wanted = (run: RunInterval) => only === undefined || only.has(workloadName(run));
  const groups = Map.groupBy(then.filter(wanted), workloadName);
  const left: string[] = [];
  const steps: Step[] = [];
  for (const [title, [run]] of groups) {
    if (run === undefined) continue;
    const workload = { namespace, kind: run.kind, name: run.name };
    if (!TEMPLATES.includes(run.kind)) {
      left.push(`${title} has no template to change`);
      continue;
    }
    const candidates = await candidatesIn(
      ledger,
      oneCluster(await ledger.runHistory(workload), cluster ?? run.cluster),
    );
    const chosen = choose(candidates, { kind: 'time', time }).filter(({ current }) => !current);
    if (chosen.length === 0) left.push(`${title} runs that already`);
    else steps.push({ workload, chosen });
  }
  const fresh = new Set(now.filter(wanted).map(workloadName));
  for (const title of fresh) if (!groups.has(title)) left.push(`${title} did not run then`);
  if (groups.size === 0)
    throw new Problem('not-found', `nothing ran in ${namespace} at ${time.toISOString()}, as far as the ledger knows`);
  return { steps, left };
}

/** Why a digest must never run again. */
export const blocklistOf = async (ledger: Ledger): Promise<ReadonlyMap<string, string>> =>
  new Map((await ledger.statements.blocklist()).map(({ digest, reason }) => [digest, reason]));

/** What cannot be pulled, or would not be let in, is not gone back to: that would be the next outage. */
export function refusal(steps: readonly Step<Checked>[]): Report | undefined {
  const refused = steps.flatMap(({ workload, chosen }) =>
    chosen
      .filter(({ notPullable, denied }) => (notPullable ?? denied) !== undefined)
      .map((item) => ({ ...item, title: workloadName(workload) })),
  );
  if (refused.length === 0) return undefined;
  const open = ({ notPullable, open: unsure }: Checked) =>
    unsure === true || (notPullable !== undefined && notPullable.code !== 'not-found');
  const messageOf = ({ title, interval, notPullable, denied }: (typeof refused)[number]) =>
    `${title} ${interval.container}: ${notPullable === undefined ? `today's policy denies it: ${denied}` : `it cannot be pulled: ${notPullable.message}`}`;
  const all = steps.reduce((sum, { chosen }) => sum + chosen.length, 0);
  return {
    command: 'rollback',
    sections: [],
    findings: refused
      .filter((item) => !open(item))
      .map((item) => ({
        rule: item.notPullable === undefined ? 'policy-denied' : 'digest-gone',
        level: 'error',
        image: item.reference.text,
        message: messageOf(item),
      })),
    problems: refused
      .filter(open)
      .map((item) => new Problem('unreachable', messageOf(item), { image: item.reference.text })),
    summary: [`${plural(refused.length, 'container')} of ${all} cannot go back, so nothing was changed`],
    data: { refused },
  };
}
