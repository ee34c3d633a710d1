// tagproof status: what exactly is deployed now, is it pinned, has a tag moved under it, can it still be pulled.
import { shortDigest } from '../../image/digest.ts';
import { type DeployedContainer, FILTERS, type RunningImage } from '../../inventory/deployed.ts';
import { inventoryOf } from '../../inventory/inventory.ts';
import { listNodes, listPods } from '../../inventory/list-pods.ts';
import { queryStatus } from '../../inventory/status.ts';
import { namesHost } from '../../policy/hosts.ts';
import { Problem } from '../../problem.ts';
import type { Cell, Finding, Report } from '../../report/report.ts';
import { short } from '../../report/text.ts';
import { plural } from '../pin/scan.ts';
import { type CommonOptions, collect, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/gather.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';
import { policyEvaluator } from './evaluate-by.ts';

const EXAMPLES = `
tagproof status                              every workload, container by container
tagproof status -n shop -l app=web
tagproof status --contexts prod-eu --contexts prod-us
tagproof status --offline                    asks the API server only
tagproof status --at 2026-11-24T14:59:00Z    what ran then, from the ledger
`;

type Options = CommonOptions &
  RegistryFlags &
  ClusterFlags & { selector?: string; contexts: string[]; offline: boolean; at?: string; ledger: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    clusterOptions(
      defineCommand('status', 'Shows exactly what is deployed now, and whether a tag has moved under it.', EXAMPLES),
    ),
  )
    .option('-l, --selector <labels>', 'only pods with these labels')
    .option('--contexts <name>', 'several clusters: contexts of the kubeconfig (repeatable)', collect, [])
    .option('--offline', 'do not ask registries', false)
    .option('--at <time>', 'what ran then, from the ledger: 2026-11-24T14:59:00Z')
    .option(
      '--ledger <where>',
      'with --at: a file or postgres://… (default: TAGPROOF_LEDGER, else tagproof.db)',
      process.env['TAGPROOF_LEDGER'] ?? 'tagproof.db',
    );
  return execute<Options>(command, args, async (_, given, context) => {
    if (given.at !== undefined) return { report: await statusAt(given.at, given) };
    const contexts = given.contexts.length > 0 ? given.contexts : [given.context];
    const query = given.selector === undefined ? '' : `&labelSelector=${encodeURIComponent(given.selector)}`;
    const nodes = new Map<string, string>();
    const lists = await Promise.all(
      contexts.map((name) =>
        withCluster({ ...given, ...(name !== undefined && { context: name }) }, async (kube) => {
          const { pods, owners } = await listPods(kube, given.namespace, query);
          for (const [node, platform] of await listNodes(kube)) nodes.set(`${kube.access.name} ${node}`, platform);
          return inventoryOf(kube.access.name, pods, owners);
        }),
      ),
    );
    const rows = lists.flat();
    const config = await loadConfig(given.config);
    // Names that tenants wrote must not send this machine anywhere private (T46); what the configuration names may be.
    const named = namesHost(config);
    const isNamed = (host: string) => named(host) || given.insecureRegistry.includes(host);
    return withClient(given, { ...config, isNamed }, context, async (client) => {
      const evaluator = given.offline ? undefined : await policyEvaluator(async () => config, client)();
      const statuses = await queryStatus(rows, {
        reader: given.offline ? undefined : client,
        evaluator: evaluator?.evaluate,
        platform: (cluster, node) => nodes.get(`${cluster} ${node}`),
        progress: (done, all) => context.progress.show(`${done} of ${all} images`),
      });
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      return { report: reportOn(statuses, contexts.length > 1, evaluator !== undefined, rateLimitLines(client)) };
    });
  });
}

/** What ran at a moment, as the ledger has it. */
async function statusAt(text: string, { ledger: where, namespace }: Options): Promise<Report> {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime()))
    throw new Problem('usage', `--at '${text}': expected a time, as 2026-11-24T14:59:00Z`);
  const { runSection, time, withLedger } = await import('./history.ts');
  const scopes = namespace.length > 0 ? namespace.map((name) => ({ namespace: name })) : [{}];
  const rows = await withLedger(where, async (ledger) =>
    (await Promise.all(scopes.map((scope) => ledger.at(moment, scope)))).flat(),
  );
  return {
    command: 'status',
    sections: rows.length === 0 ? [] : [runSection(`at ${time(moment.toISOString())}`, rows)],
    findings: [],
    problems: [],
    summary: [
      rows.length === 0
        ? 'nothing ran then, as far as the ledger knows'
        : `${plural(rows.length, 'container')} ran then`,
    ],
    data: { at: moment.toISOString(), containers: rows },
  };
}

function reportOn(
  statuses: readonly DeployedContainer[],
  clusters: boolean,
  evaluation: boolean,
  closing: readonly string[],
): Report {
  const sorted = statuses.toSorted((a, b) => (titleOf(a, clusters) < titleOf(b, clusters) ? -1 : 1));
  const count = (is: (row: DeployedContainer) => boolean) => sorted.filter(is).length;
  const parts = [
    `${plural(sorted.length, 'container')}`,
    `${count((row) => !FILTERS.unpinned(row))} pinned`,
    ...(evaluation ? [`${count((row) => !FILTERS.unverified(row))} verified`] : []),
    `${count(FILTERS.moved)} whose tag has moved`,
    `${count(FILTERS.mixed)} with mixed replicas`,
    `${count(isGone)} no longer pullable`,
    `${count(FILTERS.unknown)} not known`,
  ];
  const head = ['workload', 'container', 'declared', 'runs', 'pods', 'tag now', ...(evaluation ? ['verified'] : [])];
  const rows = sorted.flatMap((row) => rowsOf(row, clusters, evaluation));
  return {
    command: 'status',
    findingsInSections: true,
    sections: sorted.length === 0 ? [] : [{ head, rows }],
    findings: sorted.flatMap((row) => findingsOf(row, clusters)),
    problems: [],
    summary: [parts.join(', '), ...closing],
    data: { containers: sorted },
  };
}

function titleOf({ cluster, namespace, kind, name }: DeployedContainer, clusters: boolean): string {
  return `${clusters ? `${cluster}: ` : ''}${namespace}/${kind}/${name}`;
}

const gone = (look: { readonly served: boolean | null } | null) => look?.served === false;
const isGone = ({ running, tag }: DeployedContainer) =>
  tag?.digest === null || running.some(({ pullable }) => gone(pullable));

function rowsOf(row: DeployedContainer, clusters: boolean, evaluation: boolean): Cell[][] {
  const { container, type, declared, running, mixed, pinned } = row;
  const list: readonly (RunningImage | undefined)[] = running.length === 0 ? [undefined] : running;
  return list.map((seen, index) => {
    const runs = seen?.digest === undefined ? 'not known' : shortDigest(seen.digest);
    const first = index === 0;
    const style = pinned === 'digest' || pinned === 'both' ? 'good' : 'warn';
    return [
      first ? titleOf(row, clusters) : '',
      first ? (type === 'container' ? container : `${container} (${type})`) : '',
      first ? { text: short(declared.join(' and ')), style } : '',
      { text: runs, style: mixed ? 'bad' : seen?.digest === undefined ? 'dim' : 'good' },
      seen === undefined ? '0' : `${seen.pods} on ${plural(seen.nodes.length, 'node')}`,
      stateCell(row, seen),
      ...(evaluation ? [evidenceCell(seen)] : []),
    ];
  });
}

function stateCell({ missingPlatforms, tag }: DeployedContainer, seen: RunningImage | undefined): Cell {
  if (seen === undefined) return { text: 'nothing runs', style: 'dim' };
  const lost = gone(seen.pullable) ? ', no longer pullable' : '';
  const unfit =
    missingPlatforms === null || missingPlatforms.length === 0 ? '' : `, no longer for ${missingPlatforms.join(', ')}`;
  const more = lost + unfit;
  const { identity } = seen;
  switch (identity.state) {
    case 'same':
      return { text: `same${more}`, style: more === '' ? 'good' : 'bad' };
    case 'exact': {
      // Nothing moves under a pin; what stands before it may no longer be true.
      const now =
        tag?.digest != null && !seen.image.endsWith(tag.digest)
          ? `, ${tag.name} is ${shortDigest(tag.digest)} now`
          : '';
      return { text: `pinned${now}${more}`, style: more === '' ? 'good' : 'bad' };
    }
    case 'moved':
      return { text: `moved to ${shortDigest(identity.now)}${more}`, style: more === '' ? 'warn' : 'bad' };
    case 'different':
      return { text: `runs something else than ${shortDigest(identity.declared)}${more}`, style: 'bad' };
    case 'unknown':
      return tag?.digest === null
        ? { text: `tag gone${more}`, style: 'bad' }
        : { text: `not known: ${identity.reason}${more}`, style: 'dim' };
  }
}

function evidenceCell(seen: RunningImage | undefined): Cell {
  const found = seen?.evidence;
  if (found == null) return { text: 'not known', style: 'dim' };
  if (found.outcome === 'open') return { text: `could not check: ${found.reason}`, style: 'dim' };
  if (found.outcome !== 'allow') return { text: found.reason, style: found.outcome === 'deny' ? 'bad' : 'warn' };
  return found.signers.length > 0
    ? { text: found.signers.join(', '), style: 'good' }
    : { text: `nobody’s signature: ${found.reason}`, style: 'warn' };
}

function findingsOf(row: DeployedContainer, clusters: boolean): Finding[] {
  const { container, declared, running, mixed, pinned, missingPlatforms } = row;
  const at = `${titleOf(row, clusters)} ${container}`;
  const image = declared[0] ?? '';
  const say = (rule: Finding['rule'], level: Finding['level'], message: string): Finding => ({
    rule,
    level,
    image,
    message: `${at}: ${message}`,
  });
  const findings: Finding[] = [];
  if (pinned === 'tag') findings.push(say('unpinned', 'warning', 'declared by a tag, which can be moved'));
  if (mixed)
    findings.push(
      say('mixed-replicas', 'error', 'pods of one template run different digests: the tag moved between their starts'),
    );
  if (isGone(row))
    findings.push(
      say(
        'digest-gone',
        'error',
        'what is declared or runs is no longer served: a node that lacks it cannot start this',
      ),
    );
  if (missingPlatforms !== null && missingPlatforms.length > 0)
    findings.push(
      say('platform-missing', 'error', `the next pod cannot run on its nodes: no ${missingPlatforms.join(', ')}`),
    );
  for (const { identity, evidence } of running) {
    if (identity.state === 'moved')
      findings.push(say('tag-moved', 'warning', `the tag is ${identity.now} now; the next pod runs that`));
    if (identity.state === 'different')
      findings.push(say('runs-something-else', 'error', `declared ${identity.declared}, and something else runs`));
    if (evidence?.outcome === 'deny') findings.push(say('policy-denied', 'error', evidence.reason));
    if (evidence?.outcome === 'warn') findings.push(say('policy-warned', 'warning', evidence.reason));
  }
  return findings;
}
