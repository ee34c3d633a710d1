// tagproof ledger: verifies the journal, exports and imports it as lines of JSON, and compacts it.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Argument } from 'commander';
import * as v from 'valibot';
import type { Link } from '../../ledger/event.ts';
import { chain, GENESIS, type LedgerEntry } from '../../ledger/event.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';
import { type CommonOptions, defineCommand, execute, parseDuration } from '../shared/command.ts';
import { ledgerOption, withLedger } from './history.ts';

const EXAMPLES = `
tagproof ledger verify                     is every entry there, and as it was written?
tagproof ledger export > ledger.jsonl      the whole journal, one line of JSON for each entry
tagproof ledger import ledger.jsonl --ledger postgres://…
tagproof ledger compact --older-than 400d  remove what ended before; what still counts stays
`;

type Options = CommonOptions & { ledger: string; olderThan?: string };

export function run(args: string[]): Promise<number> {
  const command = ledgerOption(
    defineCommand('ledger', 'Verifies, exports, imports or compacts the ledger.', EXAMPLES)
      .addArgument(new Argument('<what>', 'what to do').choices(['verify', 'export', 'import', 'compact']))
      .argument('[file]', 'import: a file that export wrote')
      .option('--older-than <duration>', 'compact: remove what ended longer ago, as 400d'),
  );
  return execute<Options>(command, args, ([what, file], { ledger: where, olderThan }) =>
    withLedger(where, async (ledger) => {
      if (what === 'compact') return { report: await compact(ledger, olderThan) };
      if (what === 'verify') return { report: await verify(ledger, where) };
      if (what === 'export') return exportAll(ledger);
      if (file === undefined) throw new Problem('usage', 'expected the file to import');
      return { report: await importAll(ledger, file) };
    }),
  );
}

async function verify(ledger: Ledger, where: string): Promise<Report> {
  const { count, head, broken } = await ledger.verify();
  return {
    ...reportOf(
      broken === undefined
        ? `${plural(count, 'entry')}, each as it was written; the last is ${head}`
        : `${plural(count, 'entry')} intact, then the chain is broken`,
    ),
    findings:
      broken === undefined
        ? []
        : [{ rule: 'ledger-broken', level: 'error', message: `${where}: entry ${broken.seq}: ${broken.reason}` }],
    data: { count, head, ...(broken !== undefined && { broken }) },
  };
}

async function compact(ledger: Ledger, olderThan: string | undefined): Promise<Report> {
  if (olderThan === undefined) throw new Problem('usage', 'expected --older-than DURATION, as 400d');
  const count = await ledger.compact(new Date(Date.now() - parseDuration('--older-than', olderThan)));
  return reportOf(count === 0 ? 'nothing is that old' : `${plural(count, 'entry')} removed; the chain continues`);
}

async function exportAll(ledger: Ledger) {
  let count = 0;
  const base = await ledger.base();
  // Compaction removed what came before: the chain is verified from here.
  if (base.seq > 0) process.stdout.write(`${JSON.stringify({ base })}\n`);
  for await (const entry of ledger.entries()) {
    // Wait for a full pipe to drain: the journal may be larger than memory.
    if (!process.stdout.write(`${JSON.stringify(entry)}\n`))
      await new Promise((resolve) =>
        process.stdout.once('drain', resolve).once('error', resolve).once('close', resolve),
      );
    count++;
  }
  return { report: reportOf(`${plural(count, 'entry')} written`), stdout: '' };
}

const LinkSchema = v.strictObject({ base: v.strictObject({ seq: v.number(), hash: v.string() }) });
const EntrySchema = v.strictObject({ seq: v.number(), at: v.string(), body: v.string(), hash: v.string() });
const BATCH = 1000;

/** Imports into an empty ledger only, and verifies each entry before it is written. */
async function importAll(ledger: Ledger, file: string): Promise<Report> {
  if ((await ledger.verify()).count > 0) throw new Problem('usage', 'the ledger is not empty: import into a new one');
  let previous = GENESIS;
  let [seq, count] = [0, 0];
  let base: Link | undefined;
  let line = 0;
  let batch: LedgerEntry[] = [];
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const text of lines) {
    line++;
    if (text === '') continue;
    const json = safeJson(text);
    const link = v.safeParse(LinkSchema, json);
    if (line === 1 && link.success) {
      base = link.output.base;
      seq = base.seq;
      previous = base.hash;
      continue;
    }
    const parsed = v.safeParse(EntrySchema, json);
    const where = { file, line };
    if (!parsed.success) throw new Problem('syntax', 'expected a line that tagproof ledger export wrote', where);
    const entry = parsed.output;
    if (entry.seq !== seq + 1 || entry.hash !== chain(previous, entry.seq, entry.at, entry.body))
      throw new Problem('conflict', 'the chain is broken here: the entry was changed, or lines are missing', where);
    previous = entry.hash;
    seq = entry.seq;
    count++;
    batch.push(entry);
    if (batch.length < BATCH) continue;
    await ledger.restore(batch, base);
    batch = [];
  }
  await ledger.restore(batch, base);
  return reportOf(`${plural(count, 'entry')} imported`);
}

function safeJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const reportOf = (line: string): Report => ({
  command: 'ledger',
  sections: [],
  findings: [],
  problems: [],
  summary: [line],
  data: { says: line },
});
