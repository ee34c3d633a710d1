// The SQLite file of a ledger, by Node's own SQLite.
import { Kysely, type SqliteDatabase } from 'kysely';
import type { Tables } from './schema.ts';

/**
 * With a write-ahead log, synced before a transaction is acknowledged: neither kill -9 nor a power
 * cut loses an acknowledged entry. sqlite.org/wal.html
 */
export async function openSqlite(path: string): Promise<Kysely<Tables>> {
  const { DatabaseSync } = await import('node:sqlite');
  const { SqliteDialect } = await import('kysely');
  const database = new DatabaseSync(path);
  database.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on',
  );
  const adapter: SqliteDatabase = {
    close: () => database.close(),
    prepare: (text) => {
      // On a full disk SQLite rolls back by itself. A second rollback would fail and hide the
      // reason.
      if (text === 'rollback' && !database.isTransaction) return NOTHING;
      const statement = database.prepare(text);
      const values = (parameters: readonly unknown[]) => parameters as never[];
      return {
        reader: /^\s*(select|with|pragma)\b|\breturning\b/i.test(text),
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)),
      };
    },
  };
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapter }) });
}

const NOTHING: ReturnType<SqliteDatabase['prepare']> = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};
