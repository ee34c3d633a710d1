// Opens a ledger, a SQLite file or a PostgreSQL database, behind one typed store.
import { asProblem, Problem } from '../problem.ts';
import { Ledger } from './ledger.ts';
import { openPostgres } from './postgres.ts';
import { type Flavour, migrate } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/**
 * @param where path of a file, or `postgres://…`
 * @throws Problem that says what is wrong with it
 */
export async function openLedger(where: string): Promise<Ledger> {
  const flavour: Flavour = /^postgres(ql)?:\/\//.test(where) ? 'postgres' : 'sqlite';
  // A connection string contains a password: messages name only host and database.
  const name = flavour === 'sqlite' ? where : where.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, '');
  try {
    const db = flavour === 'sqlite' ? await openSqlite(where) : await openPostgres(where, name);
    try {
      await migrate(db, flavour);
    } catch (error) {
      await db.destroy();
      throw error;
    }
    return new Ledger(db, flavour, name);
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { message, code } = asProblem(error, 'file');
    const hint = /not a database|malformed/.test(message)
      ? 'not a ledger, or damaged: keep the file, then restore a copy, or start a new ledger and import an export'
      : message;
    throw new Problem(code, hint, { file: name }, error);
  }
}
