// The PostgreSQL connection of a ledger: waits for a server that starts, and reports an outage as a
// Problem `unreachable`, so that callers try again as they do for any other server.
import { Kysely, type PostgresPool, type PostgresPoolClient } from 'kysely';
import { explainOutage, isStarting } from './outage.ts';
import type { Tables } from './schema.ts';

const CONNECT_MS = 10_000;
/** How long to wait for a server that starts or recovers, and the pause between two attempts. */
const START_MS = 30_000;
const PAUSE_MS = 200;

/** @param name the database's address without its password, for messages */
export async function openPostgres(url: string, name: string): Promise<Kysely<Tables>> {
  const { default: pg } = await import('pg');
  const { PostgresDialect } = await import('kysely');
  // Sequence numbers are far below 2^53.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString: url, max: 8, connectionTimeoutMillis: CONNECT_MS });
  // An idle connection breaks: the next query gets another one, or fails.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    // A connection breaks while it is used: its query fails, and that error is reported.
    client.on('error', () => {});
    const query = client.query.bind(client) as PostgresPoolClient['query'];
    Object.assign(client, {
      query: (text: string, values: readonly unknown[]) =>
        query<unknown>(text, values).catch((error: unknown) => Promise.reject(explainOutage(error, name))),
    });
  });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: waitingPool(pool, name) }) });
}

/** A pool that waits while the server starts. */
export function waitingPool(pool: PostgresPool, name: string, startMs = START_MS): PostgresPool {
  const connect = async () => {
    for (const end = Date.now() + startMs; ; ) {
      try {
        return await pool.connect();
      } catch (error) {
        if (!isStarting(error) || Date.now() >= end) throw explainOutage(error, name);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  };
  return { options: pool.options, connect, end: () => pool.end() };
}
