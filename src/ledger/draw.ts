// Events drawn into the tables that answer questions: an interval ends, another begins. In the transaction of whoever adds them.
import { sql } from 'kysely';
import type { LedgerEvent, RunEvent, TagEvent } from './event.ts';
import type { Database } from './schema.ts';

/** @param at RFC 3339 */
export async function draw(db: Database, event: LedgerEvent, at: string): Promise<void> {
  switch (event.kind) {
    case 'tag':
      return drawTag(db, event, at);
    case 'run':
      return drawRun(db, event, at);
    case 'rollback':
      return; // the record alone: what runs then, the watcher sees
    case 'closure': {
      const rows = event.members.map(({ digest, role, platform }) => ({
        root: event.root,
        member: digest,
        role,
        platform: platform ?? null,
      }));
      if (rows.length === 0) return;
      await db
        .insertInto('closure')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }
}

async function drawTag(
  db: Database,
  { registry, repository, tag, digest, source }: TagEvent,
  at: string,
): Promise<void> {
  await db
    .updateTable('tag_interval')
    .set({ until: at })
    .where('registry', '=', registry)
    .where('repository', '=', repository)
    .where('tag', '=', tag)
    .where('until', 'is', null)
    .execute();
  const interval = { registry, repository, tag, digest, since: at, until: null, source };
  await db.insertInto('tag_interval').values(interval).execute();
}

async function drawRun(db: Database, event: RunEvent, at: string): Promise<void> {
  const { cluster, namespace, workload, container, type, image, digest, pods, actor } = event;
  const key = { cluster, namespace, kind: workload.kind, name: workload.name, container, type, image, digest };
  const open = db.updateTable('run_interval').where('until', 'is', null);
  const mine = Object.entries(key).reduce(
    (query, [column, value]) => query.where(column as 'cluster', '=', value),
    open,
  );
  if (pods === 0) return void (await mine.set({ until: at }).execute());
  const { numUpdatedRows } = await mine
    .set({ pods: sql<number>`case when pods < ${pods} then ${pods} else pods end` })
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return;
  await db
    .insertInto('run_interval')
    .values({ ...key, pods, since: at, until: null, actor: actor ?? null })
    .execute();
}
