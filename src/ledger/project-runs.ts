// Run events → run_interval: pods begin an interval, a change of their number goes on with it, zero
// ends it. A batch reads what is open once, applies its events in order, and writes once.
import { sql } from 'kysely';
import type { Dated, RunEvent } from './event.ts';
import { nodeOf } from './interval.ts';
import { later, type OpenInterval, unionOf } from './open-interval.ts';
import type { Database, RunRow } from './schema.ts';
import { tuples } from './tuples.ts';

type RunKey = Omit<RunRow, 'pods' | 'since' | 'until' | 'actor' | 'node'>;
const COLUMNS = ['cluster', 'namespace', 'kind', 'name', 'container', 'type', 'image', 'digest', 'revision'] as const;
const ENDED = [...COLUMNS, 'until'] as const;
const partsOf = (row: RunKey) => [
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
const keyOf = (row: RunKey) => JSON.stringify(partsOf(row));

export async function projectRuns(db: Database, batch: readonly Dated<RunEvent>[]): Promise<void> {
  if (batch.length === 0) return;
  const events = batch.map(({ event, at }) => {
    const { kind: _, workload, pods, actor, revision = '', since, until, snapshot, ...rest } = event;
    return { row: { ...rest, ...workload, revision }, pods, actor: actor ?? null, since, until, snapshot, at };
  });
  const open = await openRuns(
    db,
    events.map(({ row }) => row),
  );
  const repeated = events.flatMap(({ row, until, snapshot }) =>
    snapshot && until !== undefined ? [{ ...row, until }] : [],
  );
  const ended = await endedRuns(db, repeated);
  const begun: RunRow[] = [];
  const changed = new Map<number, RunRow>();
  const end = (interval: OpenInterval<RunRow>, until: string, key: string) => {
    const { row } = interval;
    row.until = until;
    row.node = nodeOf(row.since, until);
    if (repeated.length > 0) ended.set(`${key} ${until}`, interval);
  };
  /**
   * A change after the cut began a part of this interval already. The snapshot knows how it really
   * began.
   */
  const extend = (part: OpenInterval<RunRow>, { since, pods, actor }: RunRow) => {
    const { row, id } = part;
    Object.assign(row, { since, actor, pods: Math.max(row.pods, pods) });
    if (row.until !== null) row.node = nodeOf(since, row.until);
    if (id !== undefined) changed.set(id, row);
  };
  for (const { row, pods, actor, at, since = at, until, snapshot } of events) {
    const key = keyOf(row);
    const fresh: RunRow = { ...row, pods, since, until: null, actor, node: null };
    const part = until === undefined ? open.get(key) : ended.get(`${key} ${until}`);
    if (snapshot && part !== undefined && since < part.row.since) {
      extend(part, fresh);
    } else if (until !== undefined) {
      end({ row: fresh }, until, key);
      begun.push(fresh);
    } else if (part === undefined) {
      if (pods === 0) continue; // the end of something that never began
      begun.push(fresh);
      open.set(key, { row: fresh });
    } else if (pods === 0) {
      end(part, later(at, part.row.since), key);
      open.delete(key);
      if (part.id !== undefined) changed.set(part.id, part.row);
    } else {
      part.row.pods = Math.max(part.row.pods, pods);
      if (since < part.row.since) part.row.since = since;
      if (part.id !== undefined) changed.set(part.id, part.row);
    }
  }
  if (changed.size > 0) {
    const types = {
      id: 'bigint',
      until: 'text',
      pods: 'integer',
      since: 'text',
      node: 'bigint',
      actor: 'text',
    } as const;
    const updates = unionOf(
      types,
      [...changed].map(([id, row]) => ({ ...row, id })),
    );
    await sql`update run_interval set until = v.until, pods = v.pods, since = v.since, node = v.node, actor = v.actor
      from (${updates}) as v where run_interval.id = v.id`.execute(db);
  }
  if (begun.length > 0) await db.insertInto('run_interval').values(begun).execute();
}

async function openRuns(db: Database, runs: readonly RunKey[]): Promise<Map<string, OpenInterval<RunRow>>> {
  const rows = await db
    .selectFrom('run_interval')
    .selectAll()
    .where('until', 'is', null)
    .where(sql<boolean>`(${sql.raw(COLUMNS.join(', '))}) in (${tuples(runs.map(partsOf))})`)
    .execute();
  return new Map(rows.map(({ id, ...row }) => [keyOf(row), { id, row }]));
}

/** Intervals of these containers that ended at exactly these times, by key and end. */
async function endedRuns(
  db: Database,
  runs: readonly (RunKey & { readonly until: string })[],
): Promise<Map<string, OpenInterval<RunRow>>> {
  if (runs.length === 0) return new Map();
  const wanted = unionOf(
    Object.fromEntries(ENDED.map((name) => [name, 'text' as const])) as Record<(typeof ENDED)[number], 'text'>,
    runs.map(
      (row) => Object.fromEntries(ENDED.map((name) => [name, row[name]])) as Record<(typeof ENDED)[number], string>,
    ),
  );
  // A join and no list: SQLite then finds the rows by the index on the workload.
  const same = sql.join(
    ENDED.map((name) => sql`${sql.ref(`run.${name}`)} = ${sql.ref(`v.${name}`)}`),
    sql` and `,
  );
  const { rows } = await sql<RunRow & { id: number }>`select run.* from (${wanted}) as v
    join run_interval as run on ${same}`.execute(db);
  return new Map(rows.map(({ id, ...row }) => [`${keyOf(row)} ${row.until}`, { id, row }]));
}
