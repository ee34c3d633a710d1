// What a ledger must do in every database: SQLite runs it part by part beside the code, PostgreSQL
// runs all of it.
import { alarmsContract } from './alarms.ts';
import { compactionContract } from './compaction.ts';
import type { Open, Tamper } from './events.ts';
import { historyContract } from './history.ts';
import { journalContract } from './journal.ts';
import { projectionContract } from './projection.ts';
import { sharedWorkContract } from './shared-work.ts';
import { statementsContract } from './statements.ts';

/** @param runs of each property */
export function ledgerContract(open: Open, tamper: Tamper, runs: number): void {
  historyContract(open);
  statementsContract(open);
  journalContract(open, tamper);
  projectionContract(open, runs);
  compactionContract(open, runs);
  sharedWorkContract(open);
  alarmsContract(open);
}
