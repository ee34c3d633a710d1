// The ledger: events a second in batches, and questions over many rows. PostgreSQL where TAGPROOF_BENCH_POSTGRES names an empty database;
// TAGPROOF_BENCH_ROWS: ended runs that the queries cover (1,000,000; the goal is for 10,000,000, which takes minutes to fill).
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { LedgerEvent } from '../src/ledger/event.ts';
import { nodeOf } from '../src/ledger/interval.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { openLedger } from '../src/ledger/open.ts';

const BATCH = 1000;
const EVENTS = 50_000;
const ROWS = Number(process.env['TAGPROOF_BENCH_ROWS'] ?? 1_000_000);
/** Five thousand containers, one after the other over two years: what a cluster of that size leaves behind. */
const CONTAINERS = 5000;
const SPAN_MS = 2 * 365 * 86_400_000;
const START = Date.UTC(2024, 10, 24);

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const file = join(folder, 'ledger.db');
  const ledger = await openLedger(file);
  await measure('SQLite', ledger, 5000);
  const before = statSync(file).size;
  fillSqlite(file);
  await questions('SQLite', ledger, ` in ${Math.round((statSync(file).size - before) / ROWS)} bytes a run`);
  await ledger.close();
  rmSync(folder, { recursive: true });
  const postgres = process.env['TAGPROOF_BENCH_POSTGRES'];
  if (postgres === undefined) return;
  const other = await openLedger(postgres);
  await measure('PostgreSQL', other, 20_000);
  await fillPostgres(postgres);
  await questions('PostgreSQL', other, '');
  await other.close();
}

async function measure(name: string, ledger: Ledger, goal: number): Promise<void> {
  const started = performance.now();
  for (let i = 0; i < EVENTS; i += BATCH) await ledger.append(Array.from({ length: BATCH }, (_, k) => eventOf(i + k)));
  const perSecond = EVENTS / ((performance.now() - started) / 1000);
  process.stdout.write(`${name}: ${(perSecond / goal).toFixed(2)} x ${goal} events/s in batches of ${BATCH}\n`);
}

async function questions(name: string, ledger: Ledger, size: string): Promise<void> {
  const ask = async (question: (i: number) => Promise<unknown>) => {
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const at = performance.now();
      await question(i);
      times.push(performance.now() - at);
    }
    return (times.sort((a, b) => a - b)[10] as number) / 100;
  };
  const moment = (i: number) => new Date(START + (SPAN_MS * (i + 0.5)) / 20);
  const where = await ask((i) => ledger.where(digestOf(1_000_000 + i * 7919)));
  const then = await ask((i) => ledger.at(moment(i), { namespace: 'n1' }));
  const all = await ask((i) => ledger.at(moment(i)));
  const history = await ask((i) => ledger.runHistory({ namespace: `n${i}`, kind: 'Deployment', name: `w${i}` }));
  process.stdout.write(
    `${name}: over ${ROWS} ended runs${size}: where ${where.toFixed(2)}, --at in a namespace ${then.toFixed(2)}, --at of all ${CONTAINERS} containers ${all.toFixed(2)}, history of a workload ${history.toFixed(2)} of 100 ms\n`,
  );
}

const digestOf = (i: number) => `sha256:${i.toString(16).padStart(64, '0')}`;

/** Half starts, half ends; each workload moves from digest to digest. */
function eventOf(i: number): LedgerEvent {
  const step = Math.floor(i / 2);
  return {
    kind: 'run',
    cluster: 'c',
    namespace: `n${step % 100}`,
    workload: { kind: 'Deployment', name: `w${step % 1000}` },
    container: 'c',
    type: 'container',
    image: 'x:1',
    digest: digestOf(step),
    pods: i % 2 === 0 ? 3 : 0,
  };
}

/** Straight into the table, as if the events had been drawn: ten million of them one by one would take an hour. */
function* rows(): Generator<(string | number | null)[]> {
  const each = ROWS / CONTAINERS;
  const length = SPAN_MS / each;
  for (let i = 0; i < ROWS; i++) {
    const container = i % CONTAINERS;
    const step = Math.floor(i / CONTAINERS);
    // Not all at once: containers begin somewhere within the step of the others.
    const since = new Date(START + (step + container / CONTAINERS) * length).toISOString();
    const until = new Date(START + (step + 1 + container / CONTAINERS) * length).toISOString();
    const name = `w${container % 1000}`;
    yield [
      'c',
      `n${container % 100}`,
      'Deployment',
      name,
      `c${container}`,
      'container',
      'x:1',
      digestOf(1_000_000 + Math.floor(i / 5)),
      3,
      since,
      until,
      null,
      '',
      nodeOf(since, until),
    ];
  }
}
const COLUMNS =
  'cluster, namespace, kind, name, container, type, image, digest, pods, since, until, actor, revision, node';

function fillSqlite(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('pragma synchronous = off; begin');
  const insert = database.prepare(`insert into run_interval (${COLUMNS}) values (${COLUMNS.replaceAll(/\w+/g, '?')})`);
  for (const row of rows()) insert.run(...(row as never[]));
  database.exec('commit; analyze');
  database.close();
}

async function fillPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const width = COLUMNS.split(', ').length;
  let batch: (string | number | null)[] = [];
  const flush = async () => {
    const count = batch.length / width;
    const values = Array.from(
      { length: count },
      (_, i) => `(${Array.from({ length: width }, (__, k) => `$${i * width + k + 1}`)})`,
    );
    await client.query(`insert into run_interval (${COLUMNS}) values ${values}`, batch);
    batch = [];
  };
  for (const row of rows()) {
    batch.push(...row);
    if (batch.length >= 4000 * width) await flush();
  }
  if (batch.length > 0) await flush();
  await client.query('analyze run_interval');
  await client.end();
}
