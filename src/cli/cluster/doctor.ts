// tagproof doctor: is anything left open in this cluster, and how is it mended?

import { activePolicy } from '../../admission/active-policy.ts';
import type { Check } from '../../doctor/check.ts';
import { examine } from '../../doctor/doctor.ts';
import { listWorkloads } from '../../inventory/workloads.ts';
import { NO_CONFIG } from '../../policy/config.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Problem } from '../../problem.ts';
import type { Cell, Report } from '../../report/report.ts';
import { plural } from '../pin/scan.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';

const EXAMPLES = `
tagproof doctor                                 every hole, and its mend
tagproof doctor --exempt-namespace db           db is meant to be exempt
tagproof doctor --no-registries                 asks the API server only
`;

type Options = CommonOptions & RegistryFlags & ClusterFlags & { exemptNamespace: string[]; registries: boolean };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    clusterOptions(defineCommand('doctor', 'Looks for holes between what guards a cluster and what should.', EXAMPLES)),
  )
    .option('--exempt-namespace <name>', 'meant to be exempt (repeatable; default: kube-system)', collect, [])
    .option('--no-registries', 'do not ask the registries of what runs');
  return execute<Options>(command, args, async (_, given, context) => ({
    report: await withCluster(given, async (kube) => {
      const config = await activePolicy(kube, given.installedIn).then(
        (policyContext) => policyContext.config,
        () => NO_CONFIG, // said by the checks of policies and pods
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

const STYLES = { fine: 'good', hole: 'bad', weak: 'warn', open: 'warn' } as const;
const ORDER: readonly Check['state'][] = ['hole', 'open', 'weak', 'fine'];

function reportOn(checks: readonly Check[], problems: readonly Problem[], cluster: string): Report {
  const of = (state: Check['state']) => checks.filter((check) => check.state === state);
  const sorted = ORDER.flatMap(of);
  const rows = sorted.map(({ state, subject, message, remedy = '' }): Cell[] => [
    { text: state, style: STYLES[state] },
    subject,
    message,
    remedy,
  ]);
  const [holes, weaknesses] = [of('hole').length, of('weak').length];
  return {
    command: 'doctor',
    findingsInSections: true,
    sections: [{ head: ['state', 'looked at', 'what is', 'mend'], rows }],
    findings: [...of('hole'), ...of('weak')].map(({ state, subject, message, remedy }) => ({
      rule: 'cluster-hole' as const,
      level: state === 'hole' ? ('error' as const) : ('warning' as const),
      message: `${subject}: ${message}${remedy === undefined ? '' : `. Mend: ${remedy}`}`,
    })),
    problems: [
      ...problems,
      ...of('open').map(({ subject, message }) => new Problem('unreachable', `${subject}: ${message}`)),
    ],
    summary: [
      holes + weaknesses === 0 && of('open').length === 0
        ? `nothing is left open in ${cluster}: ${plural(checks.length, 'thing')} looked at`
        : `${plural(holes, 'hole')}, ${plural(weaknesses, 'weak point')} and ${of('open').length} that could not be looked at in ${cluster}`,
    ],
    data: { checks },
  };
}
