// tagproof status: what exactly is deployed now, is it pinned, has a tag moved under it, can it still be pulled.
import { shortDigest } from '../image/digest.ts';
import { namesHost } from '../policy/hosts.ts';
import { Problem } from '../problem.ts';
import type { Cell, Finding, Report } from '../report/report.ts';
import { inventoryOf } from '../survey/inventory.ts';
import { listPods } from '../survey/list-pods.ts';
import { type Status, statusOf } from '../survey/status.ts';
import { type ClusterFlags, clusterOptions, withCluster } from './cluster.ts';
import { loadConfig } from './gather.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from './registry.ts';
import { plural } from './scan.ts';
import { type CommonOptions, collect, execute, verb } from './verb.ts';

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
      verb('status', 'Shows exactly what is deployed now, and whether a tag has moved under it.', EXAMPLES),
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
    const lists = await Promise.all(
      contexts.map((name) =>
        withCluster({ ...given, ...(name !== undefined && { context: name }) }, async (kube) => {
          const { pods, owners } = await listPods(kube, given.namespace, query);
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
      const statuses = await statusOf(rows, given.offline ? undefined : client, (done, all) =>
        context.progress.show(`${done} of ${all} images`),
      );
      if (context.signal.aborted) throw new Problem('interrupted', 'interrupted');
      return { report: reportOn(statuses, contexts.length > 1, rateLimitLines(client)) };
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
    verb: 'status',
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

function reportOn(statuses: readonly Status[], clusters: boolean, closing: readonly string[]): Report {
  const sorted = statuses.toSorted((a, b) => (titleOf(a, clusters) < titleOf(b, clusters) ? -1 : 1));
  const count = (is: (status: Status) => boolean) => sorted.filter(is).length;
  const moved = (status: Status) => status.identities.some(({ state }) => state === 'moved');
  const unknown = (status: Status) => status.identities.some(({ state }) => state === 'unknown');
  const parts = [
    `${plural(sorted.length, 'container')}`,
    `${count(({ pinned }) => pinned === 'digest')} pinned`,
    `${count(moved)} whose tag has moved`,
    `${count(({ mixed }) => mixed)} with mixed replicas`,
    `${count((status) => isGone(status))} no longer pullable`,
    `${count(unknown)} not known`,
  ];
  return {
    verb: 'status',
    told: true,
    sections:
      sorted.length === 0
        ? []
        : [
            {
              head: ['workload', 'container', 'declared', 'runs', 'pods', 'tag now'],
              rows: sorted.flatMap((status) => rowsOf(status, clusters)),
            },
          ],
    findings: sorted.flatMap((status) => findingsOf(status, clusters)),
    problems: [],
    summary: [parts.join(', '), ...closing],
    data: { containers: sorted },
  };
}

function titleOf({ cluster, namespace, kind, name }: Status, clusters: boolean): string {
  return `${clusters ? `${cluster}: ` : ''}${namespace}/${kind}/${name}`;
}

const isGone = ({ now }: Status) => now instanceof Problem && now.code === 'not-found';

function rowsOf(status: Status, clusters: boolean): Cell[][] {
  const { container, type, declared, running, identities, mixed } = status;
  const rows = running.length === 0 ? [undefined] : running;
  return rows.map((item, index) => {
    const runs = item?.digest === undefined ? 'not known' : shortDigest(item.digest);
    return [
      index === 0 ? titleOf(status, clusters) : '',
      index === 0 ? (type === 'container' ? container : `${container} (${type})`) : '',
      index === 0 ? { text: shorten(declared.join(' and ')), style: status.pinned === 'digest' ? 'good' : 'warn' } : '',
      { text: runs, style: mixed ? 'bad' : item?.digest === undefined ? 'dim' : 'good' },
      String(item?.pods ?? 0),
      stateCell(status, identities[index]),
    ];
  });
}

/** A digest is shown by its beginning; `--output json` has it whole. */
const shorten = (text: string) => text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1…');

function stateCell({ now, pinned }: Status, identity: Status['identities'][number] | undefined): Cell {
  const gone = now instanceof Problem && now.code === 'not-found' ? ', no longer pullable' : '';
  switch (identity?.state) {
    case 'same':
      return { text: 'same', style: 'good' };
    case 'exact':
      return gone === ''
        ? { text: pinned === 'digest' ? 'pinned' : 'same', style: 'good' }
        : { text: `pinned${gone}`, style: 'bad' };
    case 'moved':
      return { text: `moved to ${shortDigest(identity.now)}`, style: 'warn' };
    case 'different':
      return { text: `runs something else than ${shortDigest(identity.declared)}`, style: 'bad' };
    case 'unknown':
      return { text: `not known: ${identity.reason}`, style: 'dim' };
    case undefined:
      return { text: 'nothing runs', style: 'dim' };
  }
}

function findingsOf(status: Status, clusters: boolean): Finding[] {
  const { container, declared, identities, mixed, pinned } = status;
  const at = `${titleOf(status, clusters)} ${container}`;
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
  if (isGone(status))
    findings.push(
      say('digest-gone', 'error', 'what is declared is no longer served: a node that lacks it cannot start this'),
    );
  for (const identity of identities) {
    if (identity.state === 'moved')
      findings.push(say('tag-moved', 'warning', `the tag is ${identity.now} now; the next pod runs that`));
    if (identity.state === 'different')
      findings.push(say('runs-something-else', 'error', `declared ${identity.declared}, and something else runs`));
  }
  return findings;
}
