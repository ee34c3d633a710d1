// The record: what each tag pointed to from when to when, what each workload ran. Events are added in batches, each batch whole or not at
// all; intervals are drawn from them in the same transaction.
import { draw } from './draw.ts';
import { bodyOf, chain, type Entry, GENESIS, type LedgerEvent } from './event.ts';
import type { Database, Flavour, RunRow, TagRow } from './schema.ts';

export type TagInterval = Readonly<TagRow>;
export type RunInterval = Readonly<RunRow>;

export type Poll = {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Milliseconds since 1970; null: never. */
  readonly checked: number | null;
  readonly due: number;
  /** Why the last one told nothing. */
  readonly failure: string | null;
};

/** Rows of one answer at the most. */
const MAX_ROWS = 10_000;
/** Rows that are read at once when the whole record is gone through. */
const CHUNK = 5000;

/** Owns the database. */
export class Ledger {
  readonly #db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.#db = db;
    this.#flavour = flavour;
  }

  /**
   * Adds events that happened at one moment. What is acknowledged is on disk.
   * @returns the entries as they stand in the record
   */
  append(events: readonly LedgerEvent[], at = new Date()): Promise<Entry[]> {
    return this.#db.transaction().execute(async (db) => {
      const transaction = db as unknown as Database;
      const head = await this.#head(transaction);
      const time = at.toISOString();
      const entries: Entry[] = [];
      let { seq, hash } = head;
      for (const event of events) {
        const body = bodyOf(event);
        hash = chain(hash, ++seq, time, body);
        entries.push({ seq, at: time, body, hash });
      }
      await this.#record(transaction, entries);
      await draw(
        transaction,
        events.map((event) => ({ event, at: time })),
      );
      return entries;
    });
  }

  /** Entries of another ledger, or of an export, into an empty one: numbers, times and hashes stay. */
  restore(entries: readonly Entry[]): Promise<void> {
    return this.#db.transaction().execute(async (db) => {
      const transaction = db as unknown as Database;
      await this.#head(transaction);
      await this.#record(transaction, entries);
      await draw(
        transaction,
        entries.map(({ body, at }) => ({ event: JSON.parse(body) as LedgerEvent, at })),
      );
    });
  }

  /** What a tag pointed to, newest first. */
  tagHistory(registry: string, repository: string, tag?: string): Promise<TagInterval[]> {
    let query = this.#db
      .selectFrom('tag_interval')
      .selectAll()
      .where('registry', '=', registry)
      .where('repository', '=', repository);
    if (tag !== undefined) query = query.where('tag', '=', tag);
    return query.orderBy('since', 'desc').orderBy('id', 'desc').limit(MAX_ROWS).execute();
  }

  /** What a workload ran, newest first. */
  runHistory(workload: { cluster?: string; namespace: string; kind?: string; name: string }): Promise<RunInterval[]> {
    let query = this.#db
      .selectFrom('run_interval')
      .selectAll()
      .where('namespace', '=', workload.namespace)
      .where('name', '=', workload.name);
    if (workload.cluster !== undefined) query = query.where('cluster', '=', workload.cluster);
    if (workload.kind !== undefined) query = query.where('kind', '=', workload.kind);
    return query.orderBy('since', 'desc').orderBy('id', 'desc').limit(MAX_ROWS).execute();
  }

  /** Where a digest runs and ever ran, and under which names: of its whole closure, for nodes say index, manifest or configuration. */
  async where(digest: string): Promise<{ digests: string[]; runs: RunInterval[]; tags: TagInterval[] }> {
    const roots = await this.#db.selectFrom('closure').select('root').where('member', '=', digest).execute();
    const family = [digest, ...roots.map(({ root }) => root)];
    const members = await this.#db.selectFrom('closure').select('member').where('root', 'in', family).execute();
    const digests = [...new Set([...family, ...members.map(({ member }) => member)])].slice(0, 1000);
    const runs = await this.#db
      .selectFrom('run_interval')
      .selectAll()
      .where('digest', 'in', digests)
      .orderBy('since', 'desc')
      .limit(MAX_ROWS)
      .execute();
    const tags = await this.#db
      .selectFrom('tag_interval')
      .selectAll()
      .where('digest', 'in', digests)
      .orderBy('since', 'desc')
      .limit(MAX_ROWS)
      .execute();
    return { digests, runs, tags };
  }

  /** What ran at a moment. */
  async at(
    moment: Date,
    { cluster, namespace }: { cluster?: string; namespace?: string } = {},
  ): Promise<RunInterval[]> {
    const time = moment.toISOString();
    let query = this.#db
      .selectFrom('run_interval')
      .selectAll()
      .where('since', '<=', time)
      .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', time)]));
    if (cluster !== undefined) query = query.where('cluster', '=', cluster);
    if (namespace !== undefined) query = query.where('namespace', '=', namespace);
    return query.orderBy('namespace').orderBy('name').orderBy('container').limit(MAX_ROWS).execute();
  }

  /** What is open now: where a watcher that comes back goes on from. */
  async open(cluster: string): Promise<RunInterval[]> {
    return this.#db
      .selectFrom('run_interval')
      .selectAll()
      .where('cluster', '=', cluster)
      .where('until', 'is', null)
      .execute();
  }

  /** What each tag is taken to point to now. */
  openTags(): Promise<TagInterval[]> {
    return this.#db.selectFrom('tag_interval').selectAll().where('until', 'is', null).execute();
  }

  /** The closure of a digest, as it was read once; undefined: it never was. */
  async closure(root: string): Promise<{ member: string; role: string; platform: string | null }[] | undefined> {
    const rows = await this.#db
      .selectFrom('closure')
      .select(['member', 'role', 'platform'])
      .where('root', '=', root)
      .execute();
    return rows.length === 0 ? undefined : rows;
  }

  /** When tags are asked about: kept, so that a restart does not ask about all of them at once. */
  polls(): Promise<Poll[]> {
    return this.#db.selectFrom('poll').selectAll().execute();
  }

  async keepPolls(polls: readonly Poll[]): Promise<void> {
    for (let i = 0; i < polls.length; i += 500)
      await this.#db
        .insertInto('poll')
        .values(polls.slice(i, i + 500))
        .onConflict((conflict) =>
          conflict.columns(['registry', 'repository', 'tag']).doUpdateSet((eb) => ({
            checked: eb.ref('excluded.checked'),
            due: eb.ref('excluded.due'),
            failure: eb.ref('excluded.failure'),
          })),
        )
        .execute();
  }

  /** The whole record in order, in pieces. */
  async *entries(from = 1): AsyncGenerator<Entry> {
    for (let next = from; ; ) {
      const rows = await this.#db
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

  /** Goes over the whole chain. @returns how many entries hold, and where it first does not */
  async verify(): Promise<{ count: number; head: string; broken?: { seq: number; reason: string } }> {
    let previous = GENESIS;
    let seq = 0;
    for await (const entry of this.entries()) {
      const reason =
        entry.seq !== seq + 1
          ? `entry ${seq + 1} is missing`
          : entry.hash !== chain(previous, entry.seq, entry.at, entry.body)
            ? 'it was changed after it was written: its hash does not hold'
            : undefined;
      if (reason !== undefined) return { count: seq, head: previous, broken: { seq: entry.seq, reason } };
      previous = entry.hash;
      seq = entry.seq;
    }
    const head = await this.#db.selectFrom('head').selectAll().executeTakeFirst();
    if (head !== undefined && (Number(head.seq) !== seq || head.hash !== previous))
      return {
        count: seq,
        head: previous,
        broken: { seq: seq + 1, reason: `entries up to ${head.seq} were written, and are gone` },
      };
    return { count: seq, head: previous };
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }

  /** Held until the transaction ends: appends stand in line. */
  async #head(db: Database): Promise<{ seq: number; hash: string }> {
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

  async #record(db: Database, entries: readonly Entry[]): Promise<void> {
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
