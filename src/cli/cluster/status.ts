// tagproof status: what exactly is deployed now, whether it is pinned, whether its tag moved,
// whether it can be pulled.
import { inventoryOf } from '../../inventory/inventory.ts';
import { listNodes, listPods } from '../../inventory/list-pods.ts';
import { queryStatus } from '../../inventory/status.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';
import { policyEvaluator } from './evaluate-by.ts';
import { reportStatus } from './status-report.ts';

const EXAMPLES = `
tagproof status                              every workload, container by container
tagproof status -n shop -l app=web
tagproof status --contexts prod-eu --contexts prod-us
tagproof status --offline                    queries the API server only
tagproof status --at 2026-11-24T14:59:00Z    what ran then, from the ledger
`;

type Options = CommonOptions &
  RegistryFlags &
  ClusterFlags & { selector?: string; contexts: string[]; offline: boolean; at?: string; ledger: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    clusterOptions(
      defineCommand('status', 'Shows exactly what is deployed now, and whether its tags moved.', EXAMPLES),
    ),
  )
    .option('-l, --selector <labels>', 'only pods with these labels')
    .option('--contexts <name>', 'several clusters: contexts of the kubeconfig (repeatable)', collect, [])
    .option('--offline', 'do not query registries', false)
    .option('--at <time>', 'what ran then, from the ledger: 2026-11-24T14:59:00Z')
    .option(
      '--ledger <where>',
      'with --at: a file or postgres://… (default: TAGPROOF_LEDGER, else tagproof.db)',
      process.env['TAGPROOF_LEDGER'] ?? 'tagproof.db',
    );
  return execute<Options>(command, args, async (_, options, context) => {
    if (options.at !== undefined) return { report: await statusAt(options.at, options) };
    const contexts = options.contexts.length > 0 ? options.contexts : [options.context];
    const query = options.selector === undefined ? '' : `&labelSelector=${encodeURIComponent(options.selector)}`;
    const nodes = new Map<string, string>();
    const lists = await Promise.all(
      contexts.map((name) =>
        withCluster({ ...options, ...(name !== undefined && { context: name }) }, async (kube) => {
          const { pods, owners } = await listPods(kube, options.namespace, query);
          for (const [node, platform] of await listNodes(kube)) nodes.set(`${kube.access.name} ${node}`, platform);
          return inventoryOf(kube.access.name, pods, owners);
        }),
      ),
    );
    const rows = lists.flat();
    const config = await loadConfig(options.config);
    // Image names that tenants wrote must not send requests to private hosts (T46). The
    // configuration may name such hosts.
    const named = namesHost(config);
    const isNamed = (host: string) => named(host) || options.insecureRegistry.includes(host);
    return withClient(options, { ...config, isNamed }, context, async (client) => {
      const evaluator = options.offline ? undefined : await policyEvaluator(async () => config, client)();
      const statuses = await queryStatus(rows, {
        reader: options.offline ? undefined : client,
        evaluator: evaluator?.evaluate,
        platform: (cluster, node) => nodes.get(`${cluster} ${node}`),
        progress: (done, all) => context.progress.show(`${done} of ${all} images`),
      });
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      const scope = { clusters: contexts.length > 1, evaluation: evaluator !== undefined };
      return { report: reportStatus(statuses, scope, rateLimitLines(client)) };
    });
  });
}

/** What ran at a moment, from the ledger. */
async function statusAt(text: string, { ledger: where, namespace }: Options): Promise<Report> {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime()))
    throw new Problem('usage', `--at '${text}': expected a time, as 2026-11-24T14:59:00Z`);
  const { noRecord, runSection, time, withLedger } = await import('./history.ts');
  const scopes = namespace.length > 0 ? namespace.map((name) => ({ namespace: name })) : [{}];
  const { rows, summary } = await withLedger(where, async (ledger) => {
    const found = (await Promise.all(scopes.map((scope) => ledger.at(moment, scope)))).flat();
    const none = () => noRecord(ledger, `a container that ran at ${time(moment.toISOString())}`);
    return {
      rows: found,
      summary: found.length === 0 ? await none() : `${plural(found.length, 'container')} ran then`,
    };
  });
  return {
    command: 'status',
    sections: rows.length === 0 ? [] : [runSection(`at ${time(moment.toISOString())}`, rows)],
    findings: [],
    problems: [],
    summary: [summary],
    data: { at: moment.toISOString(), containers: rows },
  };
}
