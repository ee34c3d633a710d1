// tagproof history: what a tag pointed to, or what a workload ran, from when to when.
import type { Command } from 'commander';
import { shortDigest } from '../../image/digest.ts';
import { parseReference } from '../../image/reference.ts';
import type { TagEvent } from '../../ledger/event.ts';
import type { Ledger, RunInterval, TagInterval } from '../../ledger/ledger.ts';
import { openLedger } from '../../ledger/open.ts';
import type { EvidenceInterval } from '../../ledger/statements.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Report, Section } from '../../report/report.ts';
import { short } from '../../report/text.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof history docker.io/library/nginx:1.27     what this tag pointed to, and since when
tagproof history ghcr.io/org/app                  every tag of a repository
tagproof history shop/Deployment/web              what this workload ran
tagproof history cgr.dev/chainguard/nginx --from-registry --keep   the registry's own history of the tag
`;

type Options = CommonOptions & RegistryFlags & { ledger: string; fromRegistry: boolean; keep: boolean };

/** TAGPROOF_LEDGER keeps a password off the command line. */
export function ledgerOption(command: Command): Command {
  return command.option(
    '--ledger <where>',
    'a file or postgres://… (default: TAGPROOF_LEDGER, else tagproof.db)',
    process.env['TAGPROOF_LEDGER'] ?? 'tagproof.db',
  );
}

export async function withLedger<T>(where: string, task: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedger(where);
  try {
    return await task(ledger);
  } finally {
    await ledger.close();
  }
}

export function run(args: string[]): Promise<number> {
  const command = ledgerOption(
    defineCommand(
      'history',
      'Shows what a tag pointed to, or what a workload ran, from when to when.',
      EXAMPLES,
    ).argument('<image or workload>', 'an image, or NAMESPACE/KIND/NAME'),
  )
    .option('--from-registry', 'the history that the registry itself keeps of the tag, where it keeps one', false)
    .option('--keep', 'with --from-registry: add to the ledger the history from before its own', false);
  return execute<Options>(registryOptions(command), args, async ([what = ''], options, context) => {
    if (!options.fromRegistry) return { report: await withLedger(options.ledger, (ledger) => history(ledger, what)) };
    const config = await loadConfig(options.config);
    return withClient(options, config, context, async (client) => ({
      report: await fromRegistry(client, what, options),
    }));
  });
}

/** `NAMESPACE/KIND/NAME`. A kind has a capital letter, which in an image only the host may have. */
const WORKLOAD = /^([a-z0-9-]+)\/([A-Z][A-Za-z]+)\/([a-z0-9.-]+)$/;

async function history(ledger: Ledger, what: string): Promise<Report> {
  const [, namespace, kind, name] = WORKLOAD.exec(what) ?? [];
  if (namespace !== undefined && kind !== undefined && name !== undefined) {
    const runs = await ledger.runHistory({ namespace, kind, name });
    const digests = [...new Set(runs.map(({ digest }) => digest))].slice(0, MAX_DIGESTS);
    const evidence = await ledger.statements.evidence(digests);
    const plain = runSection(what, runs);
    const rows = plain.rows.map((row, i) => [...row, evidenceCell(runs[i] as RunInterval, evidence)]);
    const section = { ...plain, head: [...(plain.head ?? []), 'evidence'], rows };
    return reportOn(ledger, { what, section, data: { runs, evidence } });
  }
  const reference = parseReference(what);
  if (reference instanceof Problem) throw reference;
  const tags = await ledger.tagHistory(reference.registry, reference.repository, reference.tag);
  return reportOn(ledger, { what, section: tagSection(what, tags), data: { tags } });
}

const MAX_DIGESTS = 500;

/**
 * The evidence when the digest was admitted: from the webhook, else from the watcher soon after,
 * else the first later one.
 */
function evidenceCell({ digest, since, until: end }: RunInterval, evidence: readonly EvidenceInterval[]): Cell {
  const about = evidence.filter((row) => row.digest === digest && (end === null || row.since < end));
  const then = about.filter((row) => row.since <= since && (row.until === null || row.until > since));
  const found = then.find(({ source }) => source === 'admission') ?? then[0] ?? about.at(-1);
  if (found === undefined) return { text: 'none recorded', style: 'dim' };
  const who = found.signers.length > 0 ? `signed by ${found.signers.join(', ')}` : found.reason;
  const when = found.source === 'admission' ? 'admitted' : 'watched';
  return { text: `${when}: ${who}`, style: found.outcome === 'allow' ? 'good' : 'warn' };
}

async function fromRegistry(client: RegistryClient, what: string, { ledger: where, keep }: Options): Promise<Report> {
  const reference = parseReference(what);
  if (reference instanceof Problem) throw reference;
  const { registry, repository, tag = 'latest' } = reference;
  const found = await client.tagHistory(reference);
  if (found === undefined)
    throw new Problem(
      'not-found',
      `${registry} keeps no history of its tags: tagproof serve watcher records it from now on`,
      {
        image: what,
      },
    );
  const intervals = found.map(
    ({ digest, since }, i): TagInterval => ({
      registry,
      repository,
      tag,
      digest,
      since,
      until: found[i + 1]?.since ?? null,
      source: 'history',
    }),
  );
  const summary = [
    intervals.length === 0 ? `${registry} has no history of ${what}` : plural(intervals.length, 'entry'),
    ...(keep
      ? [
          `${plural(await withLedger(where, (ledger) => addOlder(ledger, intervals)), 'entry')} of it added to the ledger`,
        ]
      : []),
  ];
  return reportOf(tagSection(what, intervals.toReversed()), summary, { tags: intervals });
}

/** Adds only what is older than the ledger's own history of the tag, which is more exact. */
async function addOlder(ledger: Ledger, intervals: readonly TagInterval[]): Promise<number> {
  const [first] = intervals;
  if (first === undefined) return 0;
  const known = (await ledger.tagHistory(first.registry, first.repository, first.tag)).at(-1)?.since;
  const events = intervals.flatMap(({ since, until: end, ...row }): TagEvent[] => {
    if (known !== undefined && since >= known) return [];
    const until = end === null || (known !== undefined && end > known) ? known : end;
    return [{ kind: 'tag', ...row, source: 'history', since, ...(until !== undefined && { until }) }];
  });
  if (events.length > 0) await ledger.append(events);
  return events.length;
}

async function reportOn(
  ledger: Ledger,
  { what, section, data }: { readonly what: string; readonly section: Section; readonly data: object },
): Promise<Report> {
  const count = section.rows.length;
  return reportOf(section, [count === 0 ? await noRecord(ledger, what) : plural(count, 'entry')], data);
}

const reportOf = (section: Section, summary: string[], data: object): Report => ({
  command: 'history',
  sections: section.rows.length === 0 ? [] : [section],
  findings: [],
  problems: [],
  summary,
  data,
});

/**
 * Says where there is no record, and how much there is, so that a wrong file or a young ledger
 * shows.
 */
export const noRecord = async (ledger: Ledger, what: string): Promise<string> =>
  `no record of ${what} in ${await ledger.describe()}`;

/** To the second, in UTC. */
export const time = (text: string) => `${text.slice(0, 19)}Z`;
const until = (text: string | null): Cell => (text === null ? { text: 'now', style: 'good' } : time(text));

export function tagSection(title: string, tags: readonly TagInterval[]): Section {
  return {
    title,
    head: ['tag', 'pointed to', 'since', 'until', 'source'],
    rows: tags.map(({ registry, repository, tag, digest, since, until: end, source }) => [
      `${registry}/${repository}:${tag}`,
      digest === null ? { text: 'nothing: gone', style: 'bad' } : shortDigest(digest),
      time(since),
      until(end),
      { text: source, style: 'dim' },
    ]),
  };
}

export function runSection(title: string, runs: readonly RunInterval[]): Section {
  return {
    title,
    head: ['workload', 'container', 'declared', 'ran', 'pods', 'since', 'until', 'changed by'],
    rows: runs.map((row) => [
      `${row.cluster}: ${row.namespace}/${row.kind}/${row.name}`,
      row.container,
      short(row.image),
      shortDigest(row.digest),
      String(row.pods),
      time(row.since),
      until(row.until),
      { text: [row.revision && `revision ${row.revision}`, row.actor].filter(Boolean).join(', '), style: 'dim' },
    ]),
  };
}
