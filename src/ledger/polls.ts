// When each tag is polled next. It is stored, so that a restart polls nothing again; and shared, so
// that only one of several watchers polls a tag.
import { sql } from 'kysely';
import type { Database, Flavour, Tables } from './schema.ts';
import { pollName, pollTuple, tuples } from './tuples.ts';

/**
 * Not part of the journal. Times are milliseconds since 1970.
 * `checked` null: never. `failure`: why the last poll gave no answer.
 */
export type Poll = Readonly<Tables['poll']>;

/** Rows of one statement. */
const ROWS = 500;

export class Polls {
  readonly #db: Database;
  readonly #flavour: Flavour;

  constructor(db: Database, flavour: Flavour) {
    this.#db = db;
    this.#flavour = flavour;
  }

  async all(): Promise<Poll[]> {
    return (await this.#db.selectFrom('poll').selectAll().execute()).map(withNumbers);
  }

  async save(polls: readonly Poll[]): Promise<void> {
    for (let i = 0; i < polls.length; i += ROWS)
      await this.#db
        .insertInto('poll')
        .values(polls.slice(i, i + ROWS))
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
   * Claims the polls that are due: no other watcher gets them before `until`.
   * @param polls as this watcher knows them
   * @returns `mine`: those claimed now; `others`: the stored state of those that another watcher
   * has polled or claimed
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
      const mine = (await due.execute()).map(withNumbers);
      const keys = new Set(mine.map(pollName));
      if (mine.length > 0)
        await db
          .updateTable('poll')
          .set({ due: until })
          .where(sql<boolean>`(registry, repository, tag) in (${tuples(mine.map(pollTuple))})`)
          .execute();
      if (mine.length === polls.length) return { mine, others: [] };
      const all = (await db.selectFrom('poll').selectAll().where(these).execute()).map(withNumbers);
      return { mine, others: all.filter((poll) => !keys.has(pollName(poll))) };
    });
  }
}

/** PostgreSQL may return a bigint as text. */
const withNumbers = (poll: Poll): Poll => ({
  ...poll,
  checked: poll.checked === null ? null : Number(poll.checked),
  due: Number(poll.due),
});
