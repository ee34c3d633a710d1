// The projection: turns events into the tables that answer questions. It runs in the transaction
// that appends the events, so journal and tables always agree, and a replay of the journal gives
// the same tables.
import type { ClosureEvent, CompactionEvent, Dated, LedgerEvent } from './event.ts';
import { projectRuns } from './project-runs.ts';
import { projectBlocklist, projectEvidence, projectHolds } from './project-statements.ts';
import { projectTags } from './project-tags.ts';
import { type Database, INTERVAL_TABLES } from './schema.ts';

/** Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const ROWS = 500;

/** Projects events in their order. How they are cut into batches does not change the result. */
export async function project(db: Database, batch: readonly Dated[]): Promise<void> {
  let part: Dated[] = [];
  for (const item of batch) {
    // Compaction concerns every table, so everything before it is projected first.
    if (item.event.kind === 'compaction') {
      await projectPart(db, part);
      part = [];
      await projectCompaction(db, item.event);
      continue;
    }
    part.push(item);
    if (part.length < ROWS) continue;
    await projectPart(db, part);
    part = [];
  }
  await projectPart(db, part);
}

/**
 * Each kind has tables of its own: the order between kinds does not matter, the order within one
 * does.
 */
async function projectPart(db: Database, part: readonly Dated[]): Promise<void> {
  const of = <K extends LedgerEvent['kind']>(...kinds: K[]) =>
    part.filter((item): item is Dated<Extract<LedgerEvent, { kind: K }>> => kinds.includes(item.event.kind as K));
  await projectTags(db, of('tag'));
  await projectRuns(db, of('run'));
  await projectClosures(
    db,
    of('closure').map(({ event }) => event),
  );
  await projectEvidence(db, of('evidence'));
  await projectHolds(db, of('rollback', 'release'));
  await projectBlocklist(db, of('block'));
}

/** The snapshot that follows repeats every row that began before the cut and still counts. */
async function projectCompaction(db: Database, { before }: CompactionEvent): Promise<void> {
  for (const table of INTERVAL_TABLES)
    await db
      .deleteFrom(table)
      .where((eb) => eb.or([eb('since', '<', before), eb('until', '<', before)]))
      .execute();
}

async function projectClosures(db: Database, events: readonly ClosureEvent[]): Promise<void> {
  for (const { root, members, images = [] } of events) {
    const rows = members.map(({ digest, role, platform }) => ({
      root,
      member: digest,
      role,
      platform: platform ?? null,
    }));
    if (rows.length > 0)
      await db
        .insertInto('closure')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    const facts = images.map((image) => ({ root, platform: image.platform, facts: JSON.stringify(image) }));
    if (facts.length > 0)
      await db
        .insertInto('image')
        .values(facts)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
  }
}
