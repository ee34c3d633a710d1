// tagproof simulate: shows what a policy would do to everything that exists in a cluster.
import { type Command, Option } from 'commander';
import { trustLines } from '../../evaluate/evaluate.ts';
import { type AuditedWorkload, auditWorkloads, outcomeOf } from '../../inventory/audit.ts';
import { reportKind, writeReports } from '../../inventory/policy-reports.ts';
import { listWorkloads, type Workload } from '../../inventory/workloads.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isUnchecked, objections } from '../../policy/decision.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Finding, Report } from '../../report/report.ts';
import { type CommonOptions, type Context, defineCommand, execute } from '../shared/command.ts';
import { LOCK_HELP } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { type ClusterFlags, clusterOptions, exemptFromWebhook, policyContextFor, withCluster } from './cluster.ts';

type Options = CommonOptions &
  RegistryFlags &
  ClusterFlags & { inForce: boolean; lock?: string; templates: string; all?: boolean; apply?: boolean };

const EXAMPLES = `
tagproof simulate                          which workloads would tagproof.yaml strand?
tagproof simulate --config new.yaml -n shop
tagproof simulate --in-force               by the policy that the cluster has
`;
const REPORT_EXAMPLES = `
tagproof report                            every workload, by the policy in force
tagproof report --output json
tagproof report --apply                    writes it into the cluster, as OpenReports or PolicyReport
`;

export function run(args: string[]): Promise<number> {
  const command = options(
    defineCommand(
      'simulate',
      'Shows which workloads a policy would strand: their pods run now and would not be admitted again.',
      EXAMPLES,
    ),
  );
  return execute<Options>(command, args, async (_, given, context) => ({
    report: await withCluster(given, (kube) => audit(kube, given, context, 'simulate')),
  }));
}

export function runReport(args: string[]): Promise<number> {
  const command = options(
    defineCommand('report', 'Evaluates everything that exists in a cluster by the policy in force.', REPORT_EXAMPLES),
  ).option('--apply', 'write the result into the cluster, one report for each namespace', false);
  return execute<Options>(command, args, async (_, given, context) => ({
    report: await withCluster(given, (kube) =>
      audit(kube, { ...given, inForce: given.config === undefined, all: true }, context, 'report'),
    ),
  }));
}

function options(command: Command): Command {
  return registryOptions(clusterOptions(command))
    .option('--in-force', 'use the policy that the cluster has in force instead of a file', false)
    .addOption(
      new Option('--templates <mode>', 'how the webhook treats objects that only make pods')
        .choices(['enforce', 'warn', 'ignore'])
        .default('enforce'),
    )
    .option('--lock <file>', `${LOCK_HELP}; it records when each digest was first seen`);
}

async function audit(kube: KubeClient, given: Options, context: Context, name: string): Promise<Report> {
  const { policyContext, from } = await policyContextFor(kube, given);
  const [listed, exempt] = [
    await listWorkloads(kube, given.namespace, policyContext.config.find.fields),
    await exemptFromWebhook(kube, given),
  ];
  const inside = listed.workloads.filter(({ namespace }) => !exempt.has(namespace));
  // Hosts that only tenants' pods name must not send this machine to private addresses (T46).
  const client = { ...policyContext.config, isNamed: namesHost(policyContext.config) };
  return withClient(given, client, context, async (registries) => {
    const audited = await auditWorkloads(registries, policyContext, inside, {
      templates: given.templates === 'enforce',
      progress: (done, all) => context.progress.show(`${done} of ${all} images`),
    });
    if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
    const written = given.apply ? await writeReports(kube, await reportKind(kube), audited, new Date()) : undefined;
    const report = reportOn(audited, {
      name,
      all: given.all === true,
      exempt: listed.workloads.length - inside.length,
      from,
    });
    return {
      ...report,
      problems: [...report.problems, ...listed.problems],
      summary: [
        ...report.summary,
        ...(written === undefined ? [] : [`${plural(written, 'report')} written`]),
        ...trustLines(policyContext),
        ...rateLimitLines(registries),
      ],
    };
  });
}

const titleOf = ({ namespace, kind, name }: Workload) => `${namespace}/${kind}/${name}`;
const STYLES = { allow: 'good', warn: 'warn', deny: 'bad' } as const;

export type AuditScope = {
  readonly name: string;
  /** List every workload, also those that pass. */
  readonly all: boolean;
  /** How many workloads are in exempt namespaces. */
  readonly exempt: number;
  /** Where the policy is from. */
  readonly from: string;
};

export function reportOn(audited: readonly AuditedWorkload[], { name, all, exempt, from }: AuditScope): Report {
  const sorted = audited.toSorted((a, b) => (titleOf(a.workload) < titleOf(b.workload) ? -1 : 1));
  const of = (outcome: string) => sorted.filter((item) => outcomeOf(item) === outcome);
  const denied = of('deny');
  const unchecked = denied.filter(({ images }) =>
    images.every(({ decision }) => decision.outcome !== 'deny' || isUnchecked(decision)),
  );
  const stranded = denied.filter((item) => !unchecked.includes(item));
  const rows = (all ? sorted : sorted.filter((item) => outcomeOf(item) !== 'allow')).flatMap((item) =>
    rowsOf(item, all),
  );
  const parts = [
    `${plural(stranded.length, 'workload')} would be stranded`,
    ...(unchecked.length > 0 ? [`${unchecked.length} could not be checked`] : []),
    ...(of('warn').length > 0 ? [`${of('warn').length} would be warned about`] : []),
    `${of('allow').length} of ${sorted.length} pass`,
  ];
  return {
    command: name,
    listing: 'sections',
    sections: rows.length === 0 ? [] : [{ head: ['workload', 'pods', 'image', 'result'], rows }],
    findings: [
      ...stranded.flatMap((item) => findingsOf(item, 'policy-denied')),
      ...of('warn').flatMap((item) => findingsOf(item, 'policy-warned')),
    ],
    problems: unchecked.flatMap(({ workload, images }) =>
      images.flatMap(({ image, decision }) =>
        isUnchecked(decision)
          ? [new Problem('unreachable', `${titleOf(workload)}: ${objections(decision)}`, { image })]
          : [],
      ),
    ),
    summary: [
      parts.join(', '),
      `by ${from}${exempt > 0 ? `; ${plural(exempt, 'workload')} in exempt namespaces` : ''}`,
    ],
    data: {
      stranded: stranded.map(({ workload }) => titleOf(workload)),
      workloads: sorted.map(({ workload, images }) => ({ ...workload, images })),
    },
  };
}

function rowsOf(item: AuditedWorkload, all: boolean): Cell[][] {
  const { workload, images } = item;
  const shown = images.filter(({ decision }) => all || decision.outcome !== 'allow');
  return shown.map(({ image, decision }, index) => [
    index === 0 ? { text: titleOf(workload), style: STYLES[outcomeOf(item)] } : '',
    index === 0 ? String(workload.pods) : '',
    image,
    decision.outcome === 'allow' ? { text: 'passes', style: 'good' } : (objections(decision) ?? ''),
  ]);
}

function findingsOf({ workload, images }: AuditedWorkload, rule: 'policy-denied' | 'policy-warned'): Finding[] {
  const outcome = rule === 'policy-denied' ? 'deny' : 'warn';
  return images
    .filter(({ decision }) => decision.outcome === outcome && !isUnchecked(decision))
    .map(({ image, decision }) => ({
      rule,
      level: outcome === 'deny' ? ('error' as const) : ('warning' as const),
      image,
      message: `${titleOf(workload)}: ${objections(decision)}`,
    }));
}
