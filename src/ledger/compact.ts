// Compaction, for retention: removes entries and intervals that ended before a cut. State that
// began before the cut and still counts is repeated as snapshot events with its original times, so
// that a projection of the remaining journal still gives the tables.
import type {
  BlockEvent,
  ClosureEvent,
  EvidenceEvent,
  LedgerEvent,
  Link,
  RollbackEvent,
  RunEvent,
  TagEvent,
} from './event.ts';
import { type Database, type EvidenceRow, type HoldRow, INTERVAL_TABLES, type RunRow, type TagRow } from './schema.ts';

/** Rows that are read at once. */
const CHUNK = 1000;
const CLOSURE_BODY = '%"kind":"closure"%';

export type Compacted = { readonly base: Link; readonly count: number; readonly snapshot: LedgerEvent[] };

/** @returns undefined where no entry is older than the cut */
export async function compact(db: Database, before: Date): Promise<Compacted | undefined> {
  const cut = before.toISOString();
  const base = await lastEntryBefore(db, cut);
  if (base === undefined) return undefined;
  for (const table of INTERVAL_TABLES) await db.deleteFrom(table).where('until', '<', cut).execute();
  // An alarm that still fires has no end, and stays.
  await db.deleteFrom('alarm').where('until', '<', cut).execute();
  const closures = await compactClosures(db, base.seq);
  const intervals = await snapshotOf(db, cut);
  const { numDeletedRows } = await db.deleteFrom('event').where('seq', '<=', base.seq).executeTakeFirst();
  return {
    base,
    count: Number(numDeletedRows),
    snapshot: [{ kind: 'compaction', before: cut, seq: base.seq }, ...closures, ...intervals],
  };
}

/**
 * The clocks of several writers differ: only entries that all precede the first one after the cut
 * are removed.
 */
async function lastEntryBefore(db: Database, cut: string): Promise<Link | undefined> {
  const first = await db
    .selectFrom('event')
    .select('seq')
    .where('at', '>=', cut)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  let query = db.selectFrom('event').select(['seq', 'hash']);
  if (first !== undefined) query = query.where('seq', '<', first.seq);
  const last = await query.orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return last && { seq: Number(last.seq), hash: last.hash };
}

/**
 * Intervals that began before the cut, and are open or ended after it. Their rows are written anew
 * from these events.
 */
async function snapshotOf(db: Database, cut: string): Promise<LedgerEvent[]> {
  const read = async <R>(table: (typeof INTERVAL_TABLES)[number]): Promise<R[]> => {
    // The four tables share these columns, and kysely's types know one table at a time.
    const query = db
      .selectFrom(table as 'hold')
      .selectAll()
      .where('since', '<', cut);
    return (await query.orderBy('since').orderBy('id').execute()) as R[];
  };
  const times = ({ since, until }: { since: string; until: string | null }) => ({
    since,
    ...(until !== null && { until }),
    snapshot: true as const,
  });
  const tags = (await read<TagRow>('tag_interval')).map(
    ({ registry, repository, tag, digest, source, ...row }): TagEvent => ({
      kind: 'tag',
      registry,
      repository,
      tag,
      digest,
      source: source as TagEvent['source'],
      ...times(row),
    }),
  );
  const runs = (await read<RunRow>('run_interval')).map(
    ({ cluster, namespace, kind, name, container, type, image, digest, pods, actor, revision, ...row }): RunEvent => ({
      kind: 'run',
      cluster,
      namespace,
      workload: { kind, name },
      container,
      type: type as RunEvent['type'],
      image,
      digest,
      pods,
      ...(actor !== null && { actor }),
      ...(revision !== '' && { revision }),
      ...times(row),
    }),
  );
  const evidence = (await read<EvidenceRow>('evidence_interval')).map(
    ({ registry, repository, digest, outcome, signers, reason, policy, source, ...row }): EvidenceEvent => ({
      kind: 'evidence',
      registry,
      repository,
      digest,
      reason,
      policy,
      outcome: outcome as EvidenceEvent['outcome'],
      source: source as EvidenceEvent['source'],
      signers: JSON.parse(signers) as string[],
      ...times(row),
    }),
  );
  const holds = (await read<HoldRow>('hold')).map(
    ({ cluster, namespace, kind, name, container, image, digest, reason, by, ...row }): RollbackEvent => ({
      kind: 'rollback',
      cluster,
      namespace,
      workload: { kind, name },
      container,
      image,
      digest,
      reason,
      by,
      way: 'files',
      ...times(row),
    }),
  );
  return [...tags, ...runs, ...evidence, ...holds, ...(await blockEvents(db, cut))];
}

/**
 * Removes closures that no remaining interval needs and whose entry goes.
 * @returns the events of the others, to be repeated; a closure never changes, so its rows stay
 */
async function compactClosures(db: Database, seq: number): Promise<ClosureEvent[]> {
  const needed = await db
    .selectFrom('closure')
    .select('root')
    .distinct()
    .where((eb) =>
      eb.or([
        eb('member', 'in', eb.selectFrom('run_interval').select('digest')),
        eb('root', 'in', eb.selectFrom('tag_interval').select('digest').where('digest', 'is not', null)),
      ]),
    )
    .execute();
  const kept = new Set(needed.map(({ root }) => root));
  const repeated: ClosureEvent[] = [];
  const unused = new Set<string>();
  for await (const event of closureEvents(db, 0, seq)) {
    if (kept.has(event.root)) repeated.push(event);
    else unused.add(event.root);
  }
  if (unused.size > 0) for await (const { root } of closureEvents(db, seq)) unused.delete(root);
  const roots = [...unused];
  for (let i = 0; i < roots.length; i += CHUNK)
    for (const table of ['closure', 'image'] as const)
      await db
        .deleteFrom(table)
        .where('root', 'in', roots.slice(i, i + CHUNK))
        .execute();
  return repeated;
}

/** Closure events with `after` < seq ≤ `last`. */
async function* closureEvents(
  db: Database,
  after: number,
  last = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<ClosureEvent> {
  for (let next = after; ; ) {
    const rows = await db
      .selectFrom('event')
      .select(['seq', 'body'])
      .where('seq', '>', next)
      .where('seq', '<=', last)
      .where('body', 'like', CLOSURE_BODY)
      .orderBy('seq')
      .limit(CHUNK)
      .execute();
    for (const { body } of rows) {
      const event = JSON.parse(body) as LedgerEvent;
      if (event.kind === 'closure') yield event;
    }
    if (rows.length < CHUNK) return;
    next = Number(rows.at(-1)?.seq);
  }
}

/** The blocklist has no end: every entry is repeated. */
async function blockEvents(db: Database, cut: string): Promise<BlockEvent[]> {
  const rows = await db.selectFrom('blocked').selectAll().where('since', '<', cut).orderBy('digest').execute();
  return rows.map(({ digest, reason, by, since }) => ({ kind: 'block', digests: [digest], reason, by, since }));
}
