// Ledgers in SQLite files for a test file, in a folder that is removed afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { Open, Tamper } from './events.ts';

export function sqliteLedgers(): { readonly folder: string; readonly open: Open; readonly tamper: Tamper } {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-ledger-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const paths = new WeakMap<Ledger, string>();
  let count = 0;
  return {
    folder,
    open: async () => {
      const path = join(folder, `${count++}.db`);
      const ledger = await openLedger(path);
      paths.set(ledger, path);
      return ledger;
    },
    tamper: async (ledger, statement) => {
      const database = new DatabaseSync(paths.get(ledger) as string);
      database.exec(statement);
      database.close();
    },
  };
}

/** For properties that open many: in memory, without a file. */
export const openInMemory: Open = () => openLedger(':memory:');
