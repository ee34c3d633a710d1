// Opens a ledger: a file (SQLite, Node's own) or a PostgreSQL database, behind one typed store.
import { Kysely, type SqliteDatabase } from 'kysely';
import { asProblem, Problem } from '../problem.ts';
import { Ledger } from './ledger.ts';
import { type Flavour, migrate, type Tables } from './schema.ts';

/** @param where a file's path, or `postgres://…`; @throws Problem that says what is wrong with it */
export async function openLedger(where: string): Promise<Ledger> {
  const flavour: Flavour = /^postgres(ql)?:\/\//.test(where) ? 'postgres' : 'sqlite';
  // A connection string holds a password: only its host and database are told.
  const file = flavour === 'sqlite' ? where : where.replace(/\/\/[^@/]*@/, '//');
  try {
    const db = flavour === 'sqlite' ? await openSqlite(where) : await openPostgres(where);
    try {
      await migrate(db, flavour);
    } catch (error) {
      await db.destroy();
      throw error;
    }
    return new Ledger(db, flavour);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { message, code } = asProblem(error, 'file');
    const hint = /not a database|malformed/.test(message)
      ? 'it is no ledger, or it is damaged: keep the file, restore a copy, or begin a new one and import an export'
      : message;
    throw new Problem(code, hint, { file }, error);
  }
}

/** Write-ahead log, and on disk before it is acknowledged: kill -9 and a power cut lose nothing that was. sqlite.org/wal.html */
async function openSqlite(path: string): Promise<Kysely<Tables>> {
  const { DatabaseSync } = await import('node:sqlite');
  const { SqliteDialect } = await import('kysely');
  const database = new DatabaseSync(path);
  database.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on',
  );
  const adapter: SqliteDatabase = {
    close: () => database.close(),
    prepare: (text) => {
      // A disk that is full has rolled back by itself; that there is nothing more to roll back must not hide why.
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

async function openPostgres(url: string): Promise<Kysely<Tables>> {
  const { default: pg } = await import('pg');
  const { PostgresDialect } = await import('kysely');
  // Sequence numbers are far below 2^53.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 10_000 });
  // A connection that breaks while nobody uses it: whoever asks next gets another, or is told.
  pool.on('error', () => {});
  // One that breaks while it is used: its query fails, and that is who is told.
  pool.on('connect', (client) => client.on('error', () => {}));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}
