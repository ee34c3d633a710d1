// tagproof history: what a tag pointed to, or what a workload ran, from when to when. tagproof where: where a digest runs and ever ran.
import type { Command } from 'commander';
import { isDigest, shortDigest } from '../../image/digest.ts';
import { parseReference } from '../../image/reference.ts';
import type { TagEvent } from '../../ledger/event.ts';
import type { Ledger, RunInterval, TagInterval } from '../../ledger/ledger.ts';
import { openLedger } from '../../ledger/open.ts';
import type { EvidenceInterval } from '../../ledger/statements.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Cell, Report, Section } from '../../report/report.ts';
import { short } from '../../report/text.ts';
import { plural } from '../pin/scan.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/gather.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof history docker.io/library/nginx:1.27     what this tag pointed to, and since when
tagproof history ghcr.io/org/app                  every tag of a repository
tagproof history shop/Deployment/web              what this workload ran
tagproof history cgr.dev/chainguard/nginx --from-registry --keep   what the registry knows of the time before
`;
const WHERE_EXAMPLES = `
tagproof where sha256:3590a650…                   where this runs and ever ran: an index, a manifest or a configuration
tagproof where ghcr.io/org/app@sha256:3590a650…
`;

type Options = CommonOptions & RegistryFlags & { ledger: string; fromRegistry: boolean; keep: boolean };

/** Where the record is: TAGPROOF_LEDGER keeps a password off the command line. */
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
    .option('--from-registry', 'what the registry itself knows of the tag, where it keeps that', false)
    .option('--keep', 'with --from-registry: add to the ledger what was before it began to watch', false);
  return execute<Options>(registryOptions(command), args, async ([what = ''], options, context) => {
    if (!options.fromRegistry) return { report: await withLedger(options.ledger, (ledger) => history(ledger, what)) };
    const config = await loadConfig(options.config);
    return withClient(options, config, context, async (client) => ({
      report: await fromRegistry(client, what, options),
    }));
  });
}

export function runWhere(args: string[]): Promise<number> {
  const command = ledgerOption(
    defineCommand('where', 'Shows where a digest runs and ever ran.', WHERE_EXAMPLES).argument(
      '<digest>',
      'sha256:…, or an image with one',
    ),
  );
  return execute<Options>(command, args, async ([what = ''], { ledger: where }) => {
    const digest = what.slice(what.indexOf('@') + 1);
    if (!isDigest(digest))
      throw new Problem('usage', `'${what}': expected a digest, sha256: and 64 lower-case hex digits`);
    const found = await withLedger(where, (ledger) => ledger.where(digest));
    const now = found.runs.filter(({ until }) => until === null);
    return {
      report: {
        command: 'where',
        sections: [runSection('runs', found.runs), tagSection('tags', found.tags)].filter(
          ({ rows }) => rows.length > 0,
        ),
        findings: [],
        problems: [],
        summary: [
          found.runs.length === 0
            ? 'it never ran here, as far as the ledger knows'
            : `it runs in ${plural(now.length, 'container')} now, and ran in ${found.runs.length} in all`,
        ],
        data: found,
      },
    };
  });
}

/** `NAMESPACE/KIND/NAME`: a kind has a capital letter, which no part of an image but its host has. */
const WORKLOAD = /^([a-z0-9-]+)\/([A-Z][A-Za-z]+)\/([a-z0-9.-]+)$/;

async function history(ledger: Ledger, what: string): Promise<Report> {
  const [, namespace, kind, name] = WORKLOAD.exec(what) ?? [];
  if (namespace !== undefined && kind !== undefined && name !== undefined) {
    const runs = await ledger.runHistory({ namespace, kind, name });
    const digests = [...new Set(runs.map(({ digest }) => digest))].slice(0, MAX_DIGESTS);
    const evidence = await ledger.statements.evidence(digests);
    const plain = runSection(what, runs);
    const rows = plain.rows.map((row, i) => [...row, sayEvidence(runs[i] as RunInterval, evidence)]);
    return reportOf(what, { ...plain, head: [...(plain.head ?? []), 'by what evidence'], rows }, runs.length, {
      runs,
      evidence,
    });
  }
  const reference = parseReference(what);
  if (reference instanceof Problem) throw reference;
  const tags = await ledger.tagHistory(reference.registry, reference.repository, reference.tag);
  return reportOf(what, tagSection(what, tags), tags.length, { tags });
}

const MAX_DIGESTS = 500;

/** What was found when it came in, by the door or else by the watcher soon after; at the least what was found later. */
function sayEvidence({ digest, since, until: end }: RunInterval, evidence: readonly EvidenceInterval[]): Cell {
  const mine = evidence.filter((row) => row.digest === digest && (end === null || row.since < end));
  const then = mine.filter((row) => row.since <= since && (row.until === null || row.until > since));
  const found = then.find(({ source }) => source === 'admission') ?? then[0] ?? mine.at(-1);
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
    throw new Problem('not-found', `${registry} keeps no history of its tags: let tagproof serve watcher follow it`, {
      image: what,
    });
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
  const kept = keep ? await withLedger(where, (ledger) => keepBefore(ledger, intervals)) : 0;
  const report = reportOf(what, tagSection(what, intervals.toReversed()), intervals.length, { tags: intervals });
  return keep
    ? { ...report, summary: [...report.summary, `${plural(kept, 'entry')} of it added to the ledger`] }
    : report;
}

/** Only what lies before the ledger's own sight: what it saw itself, it knows better. */
async function keepBefore(ledger: Ledger, intervals: readonly TagInterval[]): Promise<number> {
  const [first] = intervals;
  if (first === undefined) return 0;
  const own = (await ledger.tagHistory(first.registry, first.repository, first.tag)).at(-1)?.since;
  const events = intervals.flatMap(({ since, until: end, ...row }): TagEvent[] => {
    if (own !== undefined && since >= own) return [];
    const until = end === null || (own !== undefined && end > own) ? own : end;
    return [{ kind: 'tag', ...row, source: 'history', since, ...(until !== undefined && { until }) }];
  });
  if (events.length > 0) await ledger.append(events);
  return events.length;
}

function reportOf(what: string, section: Section, count: number, data: object): Report {
  return {
    command: 'history',
    sections: count === 0 ? [] : [section],
    findings: [],
    problems: [],
    summary: [count === 0 ? `the ledger knows nothing of ${what}` : plural(count, 'entry')],
    data,
  };
}

/** To the second, in UTC. */
export const time = (text: string) => `${text.slice(0, 19)}Z`;
const until = (text: string | null): Cell => (text === null ? { text: 'now', style: 'good' } : time(text));

function tagSection(title: string, tags: readonly TagInterval[]): Section {
  return {
    title,
    head: ['tag', 'pointed to', 'since', 'until', 'seen by'],
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
