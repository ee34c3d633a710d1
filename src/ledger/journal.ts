// The record itself: entries are added in batches, each batch whole or not at all, each entry chained to the one before. What they tell is
// drawn into the tables of answers in the same transaction.

import { compact } from './compact.ts';
import { bodyOf, chain, type Dated, GENESIS, type LedgerEntry, type LedgerEvent, type Link } from './event.ts';
import { project } from './project.ts';
import type { Database, Flavour } from './schema.ts';

/** Rows that are read at once when the whole record is gone through. */
const CHUNK = 5000;

export type Verification = {
  /** Entries that hold. */
  readonly count: number;
  readonly head: string;
  readonly broken?: { readonly seq: number; readonly reason: string };
};

/** Owns the database. */
export class Journal {
  protected readonly db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.db = db;
    this.#flavour = flavour;
  }

  /**
   * Adds events that happened at one moment. What is acknowledged is on disk.
   * @returns the entries as they stand in the record
   */
  append(events: readonly LedgerEvent[], at = new Date()): Promise<LedgerEntry[]> {
    return this.db.transaction().execute((db) => this.#add(db as unknown as Database, events, at));
  }

  /** Entries of another ledger, or of an export, into an empty one: numbers, times and hashes stay. */
  restore(entries: readonly LedgerEntry[], base?: Link): Promise<void> {
    return this.db.transaction().execute(async (db) => {
      const transaction = db as unknown as Database;
      await this.#head(transaction);
      if (base !== undefined) await setBase(transaction, base);
      await this.#write(transaction, entries);
      await project(
        transaction,
        entries.map(({ body, at }): Dated => ({ event: JSON.parse(body) as LedgerEvent, at })),
      );
    });
  }

  /** Takes out what is older, and ended before; the chain goes on from there. @returns how many entries went */
  compact(before: Date, now = new Date()): Promise<number> {
    return this.db.transaction().execute(async (db) => {
      const transaction = db as unknown as Database;
      await this.#head(transaction);
      const forgotten = await compact(transaction, before);
      if (forgotten === undefined) return 0;
      await setBase(transaction, forgotten.base);
      await this.#add(transaction, forgotten.snapshot, now);
      return forgotten.count;
    });
  }

  /** Where the chain begins: before the first entry, or after what retention took out. */
  async base(): Promise<Link> {
    const row = await this.db.selectFrom('base').selectAll().executeTakeFirst();
    return row === undefined ? { seq: 0, hash: GENESIS } : { seq: Number(row.seq), hash: row.hash };
  }

  /** The whole record in order, in pieces. */
  async *entries(from = 1): AsyncGenerator<LedgerEntry> {
    for (let next = from; ; ) {
      const rows = await this.db
        .selectFrom('event')
        .selectAll()
        .where('seq', '>=', next)
        .orderBy('seq')
        .limit(CHUNK)
        .execute();
      yield* rows;
      if (rows.length < CHUNK) return;
      next = Number(rows.at(-1)?.seq) + 1;
    }
  }

  /** Goes over the whole chain. */
  async verify(): Promise<Verification> {
    const base = await this.base();
    let { seq, hash: previous } = base;
    let attested = base.seq === 0;
    const broken = (at: number, reason: string) => ({
      count: seq - base.seq,
      head: previous,
      broken: { seq: at, reason },
    });
    for await (const entry of this.entries()) {
      if (entry.seq !== seq + 1) return broken(entry.seq, `entry ${seq + 1} is missing`);
      if (entry.hash !== chain(previous, entry.seq, entry.at, entry.body))
        return broken(entry.seq, 'it was changed after it was written: its hash does not hold');
      if (!attested && entry.body.includes('"compaction"')) {
        const event = JSON.parse(entry.body) as LedgerEvent;
        attested = event.kind === 'compaction' && event.seq === base.seq;
      }
      previous = entry.hash;
      seq = entry.seq;
    }
    const head = await this.db.selectFrom('head').selectAll().executeTakeFirst();
    if (head !== undefined && (Number(head.seq) !== seq || head.hash !== previous))
      return broken(seq + 1, `entries up to ${head.seq} were written, and are gone`);
    if (!attested) return broken(base.seq + 1, 'what came before is gone, and no retention says that it took it out');
    return { count: seq - base.seq, head: previous };
  }

  close(): Promise<void> {
    return this.db.destroy();
  }

  async #add(db: Database, events: readonly LedgerEvent[], at: Date): Promise<LedgerEntry[]> {
    let { seq, hash } = await this.#head(db);
    const time = at.toISOString();
    const entries: LedgerEntry[] = [];
    for (const event of events) {
      const body = bodyOf(event);
      hash = chain(hash, ++seq, time, body);
      entries.push({ seq, at: time, body, hash });
    }
    await this.#write(db, entries);
    await project(
      db,
      events.map((event) => ({ event, at: time })),
    );
    return entries;
  }

  /** Held until the transaction ends: appends stand in line. */
  async #head(db: Database): Promise<Link> {
    await db
      .insertInto('head')
      .values({ id: 1, seq: 0, hash: GENESIS })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    let query = db.selectFrom('head').selectAll().where('id', '=', 1);
    if (this.#flavour === 'postgres') query = query.forUpdate();
    const { seq, hash } = await query.executeTakeFirstOrThrow();
    return { seq: Number(seq), hash };
  }

  async #write(db: Database, entries: readonly LedgerEntry[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    // Bounded statements: SQLite takes 32,766 parameters, PostgreSQL 65,535.
    for (let i = 0; i < entries.length; i += 1000)
      await db
        .insertInto('event')
        .values(entries.slice(i, i + 1000))
        .execute();
    await db.updateTable('head').set({ seq: last.seq, hash: last.hash }).where('id', '=', 1).execute();
  }
}

async function setBase(db: Database, { seq, hash }: Link): Promise<void> {
  await db.deleteFrom('base').execute();
  await db.insertInto('base').values({ id: 1, seq, hash }).execute();
}
