// Events drawn into the tables that answer questions: an interval ends, another begins. A batch at a time, in the transaction of whoever
// adds it: what is open is read once, gone through in order, and written at once.
import { type RawBuilder, sql } from 'kysely';
import type { ClosureEvent, LedgerEvent, RunEvent, TagEvent } from './event.ts';
import type { Database, RunRow, TagRow } from './schema.ts';

/** @param at RFC 3339 */
export type Dated = { readonly event: LedgerEvent; readonly at: string };

/** Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const ROWS = 500;

export async function draw(db: Database, batch: readonly Dated[]): Promise<void> {
  for (let i = 0; i < batch.length; i += ROWS) {
    const part = batch.slice(i, i + ROWS);
    const of = <K extends LedgerEvent['kind']>(kind: K) =>
      part.filter((item): item is { event: Extract<LedgerEvent, { kind: K }>; at: string } => item.event.kind === kind);
    await drawTags(db, of('tag'));
    await drawRuns(db, of('run'));
    await drawClosures(
      db,
      of('closure').map(({ event }) => event),
    );
  }
}

/** An interval that is open: in the table by its id, or begun in this batch. */
type Open<R> = { readonly id?: number; readonly row: R };

async function drawTags(db: Database, batch: readonly { event: TagEvent; at: string }[]): Promise<void> {
  if (batch.length === 0) return;
  const keyOf = ({ registry, repository, tag }: Pick<TagEvent, 'registry' | 'repository' | 'tag'>) =>
    JSON.stringify([registry, repository, tag]);
  const wanted = tuples(batch.map(({ event }) => [event.registry, event.repository, event.tag]));
  const rows = await db
    .selectFrom('tag_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(sql<boolean>`(registry, repository, tag) in (${wanted})`)
    .execute();
  const open = new Map<string, Open<TagRow>>(rows.map(({ id, ...row }) => [keyOf(row), { id, row }]));
  const begun: TagRow[] = [];
  const ended: [id: number, until: string][] = [];
  for (const { event, at } of batch) {
    const { registry, repository, tag, digest, source } = event;
    const before = open.get(keyOf(event));
    if (before?.id !== undefined) ended.push([before.id, at]);
    else if (before !== undefined) before.row.until = at;
    const row: TagRow = { registry, repository, tag, digest, since: at, until: null, source };
    begun.push(row);
    open.set(keyOf(event), { row });
  }
  if (ended.length > 0)
    await sql`update tag_interval set until = v.until from (${values(ended)}) as v where tag_interval.id = v.id`.execute(
      db,
    );
  await db.insertInto('tag_interval').values(begun).execute();
}

async function drawRuns(db: Database, batch: readonly { event: RunEvent; at: string }[]): Promise<void> {
  if (batch.length === 0) return;
  const parts = (
    row: Pick<RunRow, 'cluster' | 'namespace' | 'kind' | 'name' | 'container' | 'type' | 'image' | 'digest'>,
  ) => [row.cluster, row.namespace, row.kind, row.name, row.container, row.type, row.image, row.digest];
  const events = batch.map(({ event: { kind: _, workload, pods, actor, ...rest }, at }) => ({
    row: { ...rest, ...workload },
    pods,
    actor,
    at,
  }));
  const rows = await db
    .selectFrom('run_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(
      sql<boolean>`(cluster, namespace, kind, name, container, type, image, digest) in (${tuples(events.map(({ row }) => parts(row)))})`,
    )
    .execute();
  const open = new Map<string, Open<RunRow>>(
    rows.map(({ id, ...row }) => [JSON.stringify(parts(row as RunRow)), { id, row }]),
  );
  const begun: RunRow[] = [];
  const changed = new Map<number, RunRow>();
  for (const { row, pods, actor, at } of events) {
    const key = JSON.stringify(parts(row));
    const before = open.get(key);
    if (before === undefined) {
      if (pods === 0) continue; // the end of what never began
      const fresh: RunRow = { ...row, pods, since: at, until: null, actor: actor ?? null };
      begun.push(fresh);
      open.set(key, { row: fresh });
      continue;
    }
    if (pods === 0) {
      before.row.until = at;
      open.delete(key);
    } else before.row.pods = Math.max(before.row.pods, pods);
    if (before.id !== undefined) changed.set(before.id, before.row);
  }
  if (changed.size > 0) {
    const updates = values([...changed].map(([id, { until, pods }]) => [id, until, pods] as const));
    await sql`update run_interval set until = v.until, pods = v.pods from (${updates}) as v where run_interval.id = v.id`.execute(
      db,
    );
  }
  if (begun.length > 0) await db.insertInto('run_interval').values(begun).execute();
}

async function drawClosures(db: Database, events: readonly ClosureEvent[]): Promise<void> {
  for (const { root, members } of events) {
    const rows = members.map(({ digest, role, platform }) => ({
      root,
      member: digest,
      role,
      platform: platform ?? null,
    }));
    if (rows.length === 0) continue;
    await db
      .insertInto('closure')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

const tuples = (rows: readonly (readonly string[])[]): RawBuilder<unknown> => {
  const distinct = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return sql`values ${sql.join([...distinct.values()].map((row) => sql`(${sql.join(row)})`))}`;
};

/** `id, until, pods` as a table of the statement's own; with types, for PostgreSQL takes bare parameters for text. */
function values(rows: readonly (readonly [id: number, until: string | null, pods?: number])[]): RawBuilder<unknown> {
  const row = ([id, until, pods = 0]: readonly [number, string | null, number?], first: boolean) =>
    first
      ? sql`select cast(${id} as bigint) as id, cast(${until} as text) as until, cast(${pods} as integer) as pods`
      : sql`select cast(${id} as bigint), cast(${until} as text), cast(${pods} as integer)`;
  return sql.join(
    rows.map((item, index) => row(item, index === 0)),
    sql` union all `,
  );
}
