// tagproof doctor: finds gaps in a cluster's protection, each with its remedy.
import { activePolicy } from '../../admission/active-policy.ts';
import type { Check } from '../../doctor/check.ts';
import { examine } from '../../doctor/doctor.ts';
import { listWorkloads } from '../../inventory/workloads.ts';
import { NO_CONFIG } from '../../policy/config.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report } from '../../report/report.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';

const EXAMPLES = `
tagproof doctor                                 every gap, and its remedy
tagproof doctor --exempt-namespace db           namespace db is meant to be exempt
tagproof doctor --no-registries                 contacts the API server only
`;

type Options = CommonOptions & RegistryFlags & ClusterFlags & { exemptNamespace: string[]; registries: boolean };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    clusterOptions(
      defineCommand(
        'doctor',
        'Compares the protection of a cluster with what it should be, and lists each gap with its remedy.',
        EXAMPLES,
      ),
    ),
  )
    .option(
      '--exempt-namespace <name>',
      'a namespace that is meant to be exempt (repeatable; default: kube-system)',
      collect,
      [],
    )
    .option('--no-registries', 'do not contact the registries of running images');
  return execute<Options>(command, args, async (_, given, context) => ({
    report: await withCluster(given, async (kube) => {
      const config = await activePolicy(kube, given.installedIn).then(
        (policyContext) => policyContext.config,
        () => NO_CONFIG, // the checks of policies and pods report the failure
      );
      const { workloads, problems } = await listWorkloads(kube, given.namespace, config.find.fields);
      const registryAccess = { ...config, isNamed: namesHost(config) };
      return withClient(given, registryAccess, context, async (client) => {
        const checks = await examine({
          kube,
          namespace: given.installedIn,
          exempt: given.exemptNamespace.length > 0 ? given.exemptNamespace : ['kube-system'],
          workloads,
          registries: given.registries ? client : undefined,
        });
        return reportOn(checks, problems, kube.access.name);
      });
    }),
  }));
}

const STYLES = { pass: 'good', fail: 'bad', warn: 'warn', unknown: 'warn' } as const;
const ORDER: readonly Check['state'][] = ['fail', 'unknown', 'warn', 'pass'];

function reportOn(checks: readonly Check[], problems: readonly Problem[], cluster: string): Report {
  const inState = (state: Check['state']) => checks.filter((check) => check.state === state);
  const rows = ORDER.flatMap(inState).map(({ state, subject, message, remedy = '' }): Cell[] => [
    { text: state, style: STYLES[state] },
    subject,
    message,
    remedy,
  ]);
  const [failed, warned, unchecked] = [inState('fail'), inState('warn'), inState('unknown')];
  return {
    command: 'doctor',
    listing: 'sections',
    sections: [{ head: ['state', 'subject', 'finding', 'remedy'], rows }],
    findings: [...failed, ...warned].map(({ state, subject, message, remedy }) => ({
      rule: 'cluster-gap' as const,
      level: state === 'fail' ? ('error' as const) : ('warning' as const),
      message: `${subject}: ${message}${remedy === undefined ? '' : `. Remedy: ${remedy}`}`,
    })),
    problems: [
      ...problems,
      ...unchecked.map(({ subject, message }) => new Problem('unreachable', `${subject}: ${message}`)),
    ],
    summary: [
      failed.length + warned.length + unchecked.length === 0
        ? `no gap in ${cluster}: ${plural(checks.length, 'check')} passed`
        : `${plural(failed.length, 'failure')}, ${plural(warned.length, 'warning')} and ${unchecked.length} unknown of ${plural(checks.length, 'check')} in ${cluster}`,
    ],
    data: { checks },
  };
}
