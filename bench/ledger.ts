// The ledger: events a second in batches, and questions over many rows. PostgreSQL where TAGPROOF_BENCH_POSTGRES names a database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerEvent } from '../src/ledger/event.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { openLedger } from '../src/ledger/open.ts';

const BATCH = 1000;
const EVENTS = 50_000;

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  await measure('SQLite', await openLedger(join(folder, 'ledger.db')), 5000);
  rmSync(folder, { recursive: true });
  const postgres = process.env['TAGPROOF_BENCH_POSTGRES'];
  if (postgres !== undefined) await measure('PostgreSQL', await openLedger(postgres), 20_000);
}

async function measure(name: string, ledger: Ledger, goal: number): Promise<void> {
  const started = performance.now();
  for (let i = 0; i < EVENTS; i += BATCH) await ledger.append(Array.from({ length: BATCH }, (_, k) => eventOf(i + k)));
  const perSecond = EVENTS / ((performance.now() - started) / 1000);
  const ask = async (question: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const at = performance.now();
      await question();
      times.push(performance.now() - at);
    }
    return (times.sort((a, b) => a - b)[10] as number) / 100;
  };
  const where = await ask(() => ledger.where(digestOf(7)));
  const then = await ask(() => ledger.at(new Date(), { namespace: 'n1' }));
  process.stdout.write(
    `${name}: ${(perSecond / goal).toFixed(2)} x ${goal} events/s in batches of ${BATCH}; over ${EVENTS} events where ${where.toFixed(2)} and --at in a namespace ${then.toFixed(2)} of 100 ms\n`,
  );
  await ledger.close();
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
