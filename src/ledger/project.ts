// Events drawn into the tables that answer questions: an interval ends, another begins. A batch at a time, in the transaction of whoever
// adds it: what is open is read once, gone through in order, and written at once.
import { type RawBuilder, sql } from 'kysely';
import type { ClosureEvent, Dated, LedgerEvent, RunEvent, TagEvent } from './event.ts';
import { nodeOf } from './interval.ts';
import { projectBlocklist, projectEvidence, projectHolds } from './project-statements.ts';
import type { Database, RunRow, TagRow } from './schema.ts';
import { pollTuple, tuples } from './tuples.ts';

/** Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const ROWS = 500;

export async function project(db: Database, batch: readonly Dated[]): Promise<void> {
  for (let i = 0; i < batch.length; i += ROWS) {
    const part = batch.slice(i, i + ROWS);
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
}

/** An interval that is open: in the table by its id, or begun in this batch. */
type Open<R> = { readonly id?: number; readonly row: R };

async function projectTags(db: Database, batch: readonly Dated<TagEvent>[]): Promise<void> {
  if (batch.length === 0) return;
  const keyOf = ({ registry, repository, tag }: Pick<TagEvent, 'registry' | 'repository' | 'tag'>) =>
    JSON.stringify([registry, repository, tag]);
  const wanted = tuples(batch.map(({ event }) => pollTuple(event)));
  const rows = await db
    .selectFrom('tag_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(sql<boolean>`(registry, repository, tag) in (${wanted})`)
    .execute();
  const open = new Map<string, Open<TagRow>>(rows.map(({ id, ...row }) => [keyOf(row), { id, row }]));
  const begun: TagRow[] = [];
  const ended: Change[] = [];
  for (const { event, at } of batch) {
    const { registry, repository, tag, digest, source, until = null } = event;
    const before = open.get(keyOf(event));
    // Clocks of several watchers differ: nothing ends before it began.
    const since = event.since ?? later(at, before?.row.since);
    const row: TagRow = { registry, repository, tag, digest, since, until, source };
    // What is carried is older than what is open.
    if (until === null && event.since !== undefined && before !== undefined) continue;
    begun.push(row);
    if (until !== null) continue;
    if (before?.id !== undefined) ended.push({ id: before.id, until: since });
    else if (before !== undefined) before.row.until = since;
    open.set(keyOf(event), { row });
  }
  if (ended.length > 0)
    await sql`update tag_interval set until = v.until from (${values(ended)}) as v where tag_interval.id = v.id`.execute(
      db,
    );
  if (begun.length > 0) await db.insertInto('tag_interval').values(begun).execute();
}

async function projectRuns(db: Database, batch: readonly Dated<RunEvent>[]): Promise<void> {
  if (batch.length === 0) return;
  type Named = Omit<RunRow, 'pods' | 'since' | 'until' | 'actor' | 'node'>;
  const parts = (row: Named) => [
    row.cluster,
    row.namespace,
    row.kind,
    row.name,
    row.container,
    row.type,
    row.image,
    row.digest,
    row.revision,
  ];
  const events = batch.map(({ event, at }) => {
    const { kind: _, workload, pods, actor, revision = '', since, until, ...rest } = event;
    return { row: { ...rest, ...workload, revision }, pods, actor: actor ?? null, since, until, at };
  });
  const rows = await db
    .selectFrom('run_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(
      sql<boolean>`(cluster, namespace, kind, name, container, type, image, digest, revision) in (${tuples(events.map(({ row }) => parts(row)))})`,
    )
    .execute();
  const open = new Map<string, Open<RunRow>>(rows.map(({ id, ...row }) => [JSON.stringify(parts(row)), { id, row }]));
  const begun: RunRow[] = [];
  const changed = new Map<number, RunRow>();
  const end = (row: RunRow, until: string) => {
    row.until = until;
    row.node = nodeOf(row.since, until);
  };
  for (const { row, pods, actor, at, since = at, until } of events) {
    const key = JSON.stringify(parts(row));
    const fresh: RunRow = { ...row, pods, since, until: null, actor, node: null };
    if (until !== undefined) {
      end(fresh, until);
      begun.push(fresh);
      continue;
    }
    const before = open.get(key);
    if (before === undefined) {
      if (pods === 0) continue; // the end of what never began
      begun.push(fresh);
      open.set(key, { row: fresh });
      continue;
    }
    if (pods === 0) {
      end(before.row, later(at, before.row.since));
      open.delete(key);
    } else {
      before.row.pods = Math.max(before.row.pods, pods);
      if (since < before.row.since) before.row.since = since;
    }
    if (before.id !== undefined) changed.set(before.id, before.row);
  }
  if (changed.size > 0) {
    const updates = values([...changed].map(([id, row]) => ({ id, ...row })));
    await sql`update run_interval set until = v.until, pods = v.pods, since = v.since, node = v.node from (${updates}) as v where run_interval.id = v.id`.execute(
      db,
    );
  }
  if (begun.length > 0) await db.insertInto('run_interval').values(begun).execute();
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

const later = (a: string, b = ''): string => (a > b ? a : b);

type Change = { id: number; until: string | null; pods?: number; since?: string; node?: number | null };

/** Changes as a table of the statement's own; with types, for PostgreSQL takes bare parameters for text. */
function values(rows: readonly Change[]): RawBuilder<unknown> {
  const row = ({ id, until, pods = 0, since = '', node = null }: Change, first: boolean) =>
    first
      ? sql`select cast(${id} as bigint) as id, cast(${until} as text) as until, cast(${pods} as integer) as pods, cast(${since} as text) as since, cast(${node} as bigint) as node`
      : sql`select cast(${id} as bigint), cast(${until} as text), cast(${pods} as integer), cast(${since} as text), cast(${node} as bigint)`;
  return sql.join(
    rows.map((item, index) => row(item, index === 0)),
    sql` union all `,
  );
}
