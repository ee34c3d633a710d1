// Alarms: what is wrong since when, told once; and who has still to be told. Several watchers share it: each delivery is one's.
import { sql } from 'kysely';
import type { AlarmRow, Database, Flavour } from './schema.ts';

export type Alarm = {
  /** Equal for the same thing, however often it is seen. */
  readonly key: string;
  readonly code: string;
  readonly severity: 'warning' | 'critical';
  /** What it is about: a container of a workload, a tag. */
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

/** One that comes back within this is the same as before, milliseconds: nobody is told anew. */
const SAME_MS = 60 * 60_000;

export class Alarms {
  readonly #db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.#db = db;
    this.#flavour = flavour;
  }

  /**
   * What stands now: new ones are kept, what no longer stands has ended.
   * @param scope of which these are all; undefined: these happened, and nothing is said of others
   * @param tell what goes to whom about the new ones; kept with them, so that no alarm is without its message
   * @returns the new ones
   */
  stand(
    alarms: readonly Alarm[],
    scope: string | undefined,
    tell: (fresh: readonly Alarm[]) => readonly { sink: string; body: string }[],
    now = Date.now(),
  ): Promise<Alarm[]> {
    return this.#db.transaction().execute(async (db) => {
      // Two watchers that see the same at once: one of them is first, and the other finds it there.
      if (this.#flavour === 'postgres') await sql`lock table alarm in share row exclusive mode`.execute(db);
      const at = new Date(now).toISOString();
      const known = new Map<string, AlarmRow>();
      for (let i = 0; i < alarms.length; i += 500) {
        const keys = alarms.slice(i, i + 500).map(({ key }) => key);
        for (const row of await db.selectFrom('alarm').selectAll().where('key', 'in', keys).execute())
          known.set(row.key, row);
      }
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
      for (const { sink, body } of fresh.length === 0 ? [] : tell(fresh))
        await db.insertInto('delivery').values({ sink, body, due: now, tries: 0, failure: null }).execute();
      if (scope !== undefined) {
        const standing = new Set(alarms.map(({ key }) => key));
        const open = await db
          .selectFrom('alarm')
          .select('key')
          .where('scope', '=', scope)
          .where('until', 'is', null)
          .execute();
        for (const { key } of open)
          if (!standing.has(key)) await db.updateTable('alarm').set({ until: at }).where('key', '=', key).execute();
      }
      return fresh;
    });
  }

  /** Newest first. @param open only those that stand */
  async list(open: boolean, limit = 500): Promise<(Alarm & { since: string; until: string | null })[]> {
    let query = this.#db.selectFrom('alarm').selectAll();
    if (open) query = query.where('until', 'is', null);
    const rows = await query.orderBy('since', 'desc').limit(limit).execute();
    return rows.map(({ scope: _, about, severity, ...row }) => ({
      ...row,
      severity: severity as Alarm['severity'],
      about: JSON.parse(about) as Record<string, string>,
    }));
  }

  /** Messages that are due; nobody else gets them before `until`. */
  claim(now: number, until: number, limit = 20): Promise<Delivery[]> {
    return this.#db.transaction().execute(async (db) => {
      let query = db.selectFrom('delivery').selectAll().where('due', '<=', now).orderBy('due').limit(limit);
      if (this.#flavour === 'postgres') query = query.forUpdate().skipLocked();
      const rows = await query.execute();
      if (rows.length > 0)
        await db
          .updateTable('delivery')
          .set({ due: until })
          .where(
            'id',
            'in',
            rows.map(({ id }) => id),
          )
          .execute();
      return rows.map(({ due: _, ...row }) => row);
    });
  }

  async delivered(id: number): Promise<void> {
    await this.#db.deleteFrom('delivery').where('id', '=', id).execute();
  }

  async failed(id: number, failure: string, due: number): Promise<void> {
    await this.#db
      .updateTable('delivery')
      .set((eb) => ({ tries: eb('tries', '+', 1), failure, due }))
      .where('id', '=', id)
      .execute();
  }

  /** Messages that wait, by sink, with why the last try failed. */
  async waiting(): Promise<{ sink: string; count: number; failure: string | null }[]> {
    const rows = await this.#db
      .selectFrom('delivery')
      .select(['sink', (eb) => eb.fn.countAll().as('count'), (eb) => eb.fn.max('failure').as('failure')])
      .groupBy('sink')
      .execute();
    return rows.map(({ sink, count, failure }) => ({ sink, count: Number(count), failure }));
  }
}
