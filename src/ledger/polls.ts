// When each tag is asked about next: kept, so that a restart asks about nothing anew, and shared, so that of several watchers one asks.
import { sql } from 'kysely';
import type { Database, Flavour, Tables } from './schema.ts';
import { pollName, pollTuple, tuples } from './tuples.ts';

/** A convenience, no record. Times are milliseconds since 1970; `checked` null: never; `failure`: why the last look told nothing. */
export type Poll = Readonly<Tables['poll']>;

export class Polls {
  readonly #db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.#db = db;
    this.#flavour = flavour;
  }

  async all(): Promise<Poll[]> {
    return (await this.#db.selectFrom('poll').selectAll().execute()).map(numbers);
  }

  async keep(polls: readonly Poll[]): Promise<void> {
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

  /**
   * Takes what is due, so that nobody else asks about it before `until`.
   * @param polls as this watcher knows them
   * @returns those that are ours now, and how the others stand: somebody else has asked, or is asking
   */
  claim(polls: readonly Poll[], now: number, until: number): Promise<{ mine: Poll[]; others: Poll[] }> {
    if (polls.length === 0) return Promise.resolve({ mine: [], others: [] });
    return this.#db.transaction().execute(async (transaction) => {
      const db = transaction as unknown as Database;
      await db
        .insertInto('poll')
        .values(polls)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const these = sql<boolean>`(registry, repository, tag) in (${tuples(polls.map(pollTuple))})`;
      let due = db.selectFrom('poll').selectAll().where(these).where('due', '<=', now);
      if (this.#flavour === 'postgres') due = due.forUpdate().skipLocked();
      const mine = (await due.execute()).map(numbers);
      const keys = new Set(mine.map(pollName));
      if (mine.length > 0)
        await db
          .updateTable('poll')
          .set({ due: until })
          .where(sql<boolean>`(registry, repository, tag) in (${tuples(mine.map(pollTuple))})`)
          .execute();
      if (mine.length === polls.length) return { mine, others: [] };
      const all = (await db.selectFrom('poll').selectAll().where(these).execute()).map(numbers);
      return { mine, others: all.filter((poll) => !keys.has(pollName(poll))) };
    });
  }
}

/** PostgreSQL's bigint may come as a text. */
const numbers = (poll: Poll): Poll => ({
  ...poll,
  checked: poll.checked === null ? null : Number(poll.checked),
  due: Number(poll.due),
});
