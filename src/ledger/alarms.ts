// Alarms: what is wrong and since when, announced once; and the messages about them that wait to be
// delivered. Several watchers share both: an alarm is new to one of them, and a message is
// delivered by one of them.
import { sql } from 'kysely';
import type { AlarmRow, Database, Flavour } from './schema.ts';

export type Alarm = {
  /** Equal for the same alarm, however often it is observed. */
  readonly key: string;
  readonly code: string;
  readonly severity: 'warning' | 'critical';
  /** What it is about: a container of a workload, or a tag. */
  readonly subject: string;
  readonly message: string;
  readonly about: Readonly<Record<string, string>>;
};

export type Delivery = {
  readonly id: number;
  readonly sink: string;
  readonly body: string;
  readonly tries: number;
  readonly failure: string | null;
};

type Message = { readonly sink: string; readonly body: string };

/**
 * An alarm that fires again within this time, in milliseconds, is the same one, and is not
 * announced again.
 */
const SAME_MS = 60 * 60_000;
/** Keys of one statement. */
const ROWS = 500;

export class Alarms {
  readonly #db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.#db = db;
    this.#flavour = flavour;
  }

  /**
   * Records the alarms that fire now. Those of the same scope that no longer fire end.
   * @param scope the alarms are all that fire in it; undefined: they are single occurrences, and
   * others are not affected
   * @param messagesOf the messages about new alarms; stored in the same transaction, so that no
   * alarm is without its message
   * @returns the new ones
   */
  fire(
    alarms: readonly Alarm[],
    scope: string | undefined,
    messagesOf: (fresh: readonly Alarm[]) => readonly Message[],
    now = Date.now(),
  ): Promise<Alarm[]> {
    return this.#db.transaction().execute(async (transaction) => {
      const db = transaction as unknown as Database;
      // Two watchers observe the same alarm at once: the second one waits, and finds the first
      // one's row.
      if (this.#flavour === 'postgres') await sql`lock table alarm in share row exclusive mode`.execute(db);
      const at = new Date(now).toISOString();
      const known = await knownAlarms(db, alarms);
      const fresh: Alarm[] = [];
      for (const alarm of alarms) {
        const before = known.get(alarm.key);
        if (before !== undefined && (before.until === null || scope === undefined)) continue;
        const again = before?.until != null && Date.parse(before.until) > now - SAME_MS;
        const { about, ...rest } = alarm;
        const until = scope === undefined ? at : null;
        const row = { ...rest, scope: scope ?? '', about: JSON.stringify(about), since: at, until };
        await db
          .insertInto('alarm')
          .values(row)
          .onConflict((conflict) =>
            conflict.column('key').doUpdateSet(again ? { until: null } : { since: at, until: null }),
          )
          .execute();
        if (!again) fresh.push(alarm);
      }
      for (const { sink, body } of fresh.length === 0 ? [] : messagesOf(fresh))
        await db.insertInto('delivery').values({ sink, body, due: now, tries: 0, failure: null }).execute();
      if (scope !== undefined) await endOthers(db, alarms, scope, at);
      return fresh;
    });
  }

  /** Newest first. @param active only those that still fire */
  async list(active: boolean, limit = 500): Promise<(Alarm & { since: string; until: string | null })[]> {
    let query = this.#db.selectFrom('alarm').selectAll();
    if (active) query = query.where('until', 'is', null);
    const rows = await query.orderBy('since', 'desc').limit(limit).execute();
    return rows.map(({ scope: _, about, severity, ...row }) => ({
      ...row,
      severity: severity as Alarm['severity'],
      about: JSON.parse(about) as Record<string, string>,
    }));
  }

  /** Claims messages that are due: no other watcher gets them before `until`. */
  claim(now: number, until: number, limit = 20): Promise<Delivery[]> {
    return this.#db.transaction().execute(async (db) => {
      let query = db.selectFrom('delivery').selectAll().where('due', '<=', now).orderBy('due').limit(limit);
      if (this.#flavour === 'postgres') query = query.forUpdate().skipLocked();
      const rows = await query.execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) await db.updateTable('delivery').set({ due: until }).where('id', 'in', ids).execute();
      return rows.map(({ due: _, ...row }) => row);
    });
  }

  async delivered(id: number): Promise<void> {
    await this.#db.deleteFrom('delivery').where('id', '=', id).execute();
  }

  /** @param due when to try again */
  async failed(id: number, failure: string, due: number): Promise<void> {
    await this.#db
      .updateTable('delivery')
      .set((eb) => ({ tries: eb('tries', '+', 1), failure, due }))
      .where('id', '=', id)
      .execute();
  }

  /** Messages not delivered yet, by sink, with the last failure. */
  async waiting(): Promise<{ sink: string; count: number; failure: string | null }[]> {
    const rows = await this.#db
      .selectFrom('delivery')
      .select(['sink', (eb) => eb.fn.countAll().as('count'), (eb) => eb.fn.max('failure').as('failure')])
      .groupBy('sink')
      .execute();
    return rows.map(({ sink, count, failure }) => ({ sink, count: Number(count), failure }));
  }
}

async function knownAlarms(db: Database, alarms: readonly Alarm[]): Promise<Map<string, AlarmRow>> {
  const known = new Map<string, AlarmRow>();
  for (let i = 0; i < alarms.length; i += ROWS) {
    const keys = alarms.slice(i, i + ROWS).map(({ key }) => key);
    for (const row of await db.selectFrom('alarm').selectAll().where('key', 'in', keys).execute())
      known.set(row.key, row);
  }
  return known;
}

async function endOthers(db: Database, firing: readonly Alarm[], scope: string, at: string): Promise<void> {
  const keys = new Set(firing.map(({ key }) => key));
  const active = await db
    .selectFrom('alarm')
    .select('key')
    .where('scope', '=', scope)
    .where('until', 'is', null)
    .execute();
  for (const { key } of active)
    if (!keys.has(key)) await db.updateTable('alarm').set({ until: at }).where('key', '=', key).execute();
}
