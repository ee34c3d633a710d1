// Tag events → tag_interval: a new digest ends the open interval of its tag and begins another.
// A batch reads what is open once, applies its events in order, and writes once.
import { sql } from 'kysely';
import type { Dated, TagEvent } from './event.ts';
import { later, type OpenInterval, unionOf } from './open-interval.ts';
import type { Database, TagRow } from './schema.ts';
import { pollTuple, tuples } from './tuples.ts';

export async function projectTags(db: Database, batch: readonly Dated<TagEvent>[]): Promise<void> {
  if (batch.length === 0) return;
  const keyOf = ({ registry, repository, tag }: Pick<TagEvent, 'registry' | 'repository' | 'tag'>) =>
    JSON.stringify([registry, repository, tag]);
  const names = tuples(batch.map(({ event }) => pollTuple(event)));
  const rows = await db
    .selectFrom('tag_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(sql<boolean>`(registry, repository, tag) in (${names})`)
    .execute();
  const open = new Map<string, OpenInterval<TagRow>>(rows.map(({ id, ...row }) => [keyOf(row), { id, row }]));
  const begun: TagRow[] = [];
  const ended: { id: number; until: string }[] = [];
  for (const { event, at } of batch) {
    const { registry, repository, tag, digest, source, until = null } = event;
    const before = open.get(keyOf(event));
    const since = event.since ?? later(at, before?.row.since);
    const row: TagRow = { registry, repository, tag, digest, since, until, source };
    // An event with an earlier time is older than the open interval and must not end it.
    if (until === null && event.since !== undefined && before !== undefined) continue;
    begun.push(row);
    if (until !== null) continue;
    if (before?.id !== undefined) ended.push({ id: before.id, until: since });
    else if (before !== undefined) before.row.until = since;
    open.set(keyOf(event), { row });
  }
  if (ended.length > 0)
    await sql`update tag_interval set until = v.until
      from (${unionOf({ id: 'bigint', until: 'text' }, ended)}) as v where tag_interval.id = v.id`.execute(db);
  if (begun.length > 0) await db.insertInto('tag_interval').values(begun).execute();
}
