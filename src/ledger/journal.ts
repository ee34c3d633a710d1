// The journal: appends events in batches, each batch whole or not at all, each entry chained by its
// hash to the one before. The projection writes the tables in the same transaction.
import { compact } from './compact.ts';
import { bodyOf, chain, type Dated, GENESIS, type LedgerEntry, type LedgerEvent, type Link } from './event.ts';
import { project } from './project.ts';
import type { Database, Flavour } from './schema.ts';

/** Rows that are read at once when the whole journal is read. */
const CHUNK = 5000;

export type Verification = {
  /** Entries that are intact. */
  readonly count: number;
  readonly head: string;
  /** The first entry that is not. */
  readonly broken?: { readonly seq: number; readonly reason: string };
};

/** Owns the database connection. */
export class Journal {
  protected readonly db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.db = db;
    this.#flavour = flavour;
  }

  /**
   * Appends events that happened at one moment. When it returns they are on disk.
   * @returns the entries as the journal holds them
   */
  append(events: readonly LedgerEvent[], at = new Date()): Promise<LedgerEntry[]> {
    return this.db.transaction().execute((db) => this.#add(db as unknown as Database, events, at));
  }

  /**
   * Writes entries of another ledger or an export into an empty one. Numbers, times and hashes stay
   * as they are.
   */
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

  /**
   * Removes what ended before a time. The chain continues after the removed entries.
   * @returns how many were removed
   */
  compact(before: Date, now = new Date()): Promise<number> {
    return this.db.transaction().execute(async (db) => {
      const transaction = db as unknown as Database;
      await this.#head(transaction);
      const compacted = await compact(transaction, before);
      if (compacted === undefined) return 0;
      await setBase(transaction, compacted.base);
      await this.#add(transaction, compacted.snapshot, now);
      return compacted.count;
    });
  }

  /** Where the chain begins: before the first entry, or after what compaction removed. */
  async base(): Promise<Link> {
    const row = await this.db.selectFrom('base').selectAll().executeTakeFirst();
    return row === undefined ? { seq: 0, hash: GENESIS } : { seq: Number(row.seq), hash: row.hash };
  }

  /** All entries in order, read in chunks. */
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

  /** How many entries there are, and the time of the first one. */
  async extent(): Promise<{ readonly count: number; readonly since: string | undefined }> {
    const first = await this.db.selectFrom('event').select(['seq', 'at']).orderBy('seq').limit(1).executeTakeFirst();
    if (first === undefined) return { count: 0, since: undefined };
    const last = await this.db
      .selectFrom('event')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow();
    return { count: Number(last.seq) - Number(first.seq) + 1, since: first.at };
  }

  /**
   * Checks the whole chain: entry after entry from its base, to the head.
   * A base other than the beginning is accepted only if a later entry says that compaction made it.
   */
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
        return broken(entry.seq, 'it was changed after it was written: its hash does not match');
      if (!attested && entry.body.includes('"compaction"')) {
        const event = JSON.parse(entry.body) as LedgerEvent;
        attested = event.kind === 'compaction' && event.seq === base.seq;
      }
      previous = entry.hash;
      seq = entry.seq;
    }
    const head = await this.db.selectFrom('head').selectAll().executeTakeFirst();
    if (head !== undefined && (Number(head.seq) !== seq || head.hash !== previous))
      return broken(seq + 1, `entries up to ${head.seq} were written, and are missing`);
    if (!attested) return broken(base.seq + 1, 'the entries before it are missing, and no compaction removed them');
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

  /**
   * The last entry. Its row is locked until the transaction ends, so that writers append one after
   * another.
   */
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
    // Statements are bounded: SQLite takes 32,766 parameters, PostgreSQL 65,535.
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
