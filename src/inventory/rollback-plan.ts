// What a rollback would change, decided from the record alone: one workload, or all of a namespace at a moment.
import { parseReference } from '../image/reference.ts';
import type { RunInterval, TagInterval } from '../ledger/ledger.ts';
import { Problem } from '../problem.ts';
import { type Checked, choose, type RollbackCandidate, type Target } from './rollback-candidates.ts';

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

/**
 * What to pull for what ran. A node may name a manifest or a configuration, which is only a part of an image.
 * @param images the images that have what ran as a part
 * @param tagged where the declared tag pointed to
 * @returns undefined: what ran is what to pull, or it is unknown
 */
export function imageToPull(
  run: RunInterval,
  images: readonly string[],
  tagged: readonly Pick<TagInterval, 'digest' | 'since' | 'until'>[],
): string | undefined {
  const declared = parseReference(run.image);
  if (images.length === 0 || declared instanceof Problem || declared.digest === run.digest) return undefined;
  // Several images may share a part. Then it was the one that the tag pointed to.
  const then = tagged.filter(
    ({ since, until }) => (run.until === null || since < run.until) && (until === null || until > run.since),
  );
  const root = images.find((digest) => digest === declared.digest || then.some((item) => item.digest === digest));
  return root ?? (images.length === 1 ? images[0] : undefined);
}

/** Kinds with a template that can be changed. A pod has none, and a Job that has run is not run again. */
export const ROLLBACK_KINDS: readonly string[] = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'CronJob',
  'ReplicaSet',
  'ReplicationController',
];

/**
 * Everything that ran in a namespace at a moment.
 * @param ran what ran at `time`; @param runs what runs now, of the same cluster
 * @param candidates of each workload that ran then, by its name
 * @param only workloads of a release; undefined: all
 */
export function planNamespace({
  namespace,
  time,
  ran,
  runs,
  candidates,
  only,
}: {
  readonly namespace: string;
  readonly time: Date;
  readonly ran: readonly RunInterval[];
  readonly runs: readonly RunInterval[];
  readonly candidates: ReadonlyMap<string, readonly RollbackCandidate[]>;
  readonly only: ReadonlySet<string> | undefined;
}): Plan {
  const wanted = (run: RunInterval) => only === undefined || only.has(workloadName(run));
  const groups = Map.groupBy(ran.filter(wanted), workloadName);
  if (groups.size === 0)
    throw new Problem('not-found', `nothing ran in ${namespace} at ${time.toISOString()}, as far as the ledger knows`);
  const left: string[] = [];
  const steps: Step[] = [];
  for (const [title, [run]] of groups) {
    if (run === undefined) continue;
    if (!ROLLBACK_KINDS.includes(run.kind)) {
      left.push(`${title} has no template to change`);
      continue;
    }
    const chosen = choose(candidates.get(title) ?? [], { kind: 'time', time }).filter(({ current }) => !current);
    if (chosen.length === 0) left.push(`${title} runs that already`);
    else steps.push({ workload: { namespace, kind: run.kind, name: run.name }, chosen });
  }
  for (const title of new Set(runs.filter(wanted).map(workloadName)))
    if (!groups.has(title)) left.push(`${title} did not run then`);
  return { steps, left };
}

/** A candidate that must not be restored: rolling back to it would be the next outage. */
export type Refused = { readonly item: Checked; readonly message: string; readonly unchecked: boolean };

export function refusedIn(steps: readonly Step<Checked>[]): Refused[] {
  return steps.flatMap(({ workload, chosen }) =>
    chosen.flatMap((item): Refused[] => {
      const { interval, notPullable, denied, open } = item;
      const title = `${workloadName(workload)} ${interval.container}`;
      if (notPullable !== undefined) {
        const message = `${title}: it cannot be pulled: ${notPullable.message}`;
        return [{ item, message, unchecked: notPullable.code !== 'not-found' }];
      }
      if (denied === undefined) return [];
      return [{ item, message: `${title}: today's policy denies it: ${denied}`, unchecked: open === true }];
    }),
  );
}
