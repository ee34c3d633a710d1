// Retention: what ended long ago goes, entries and intervals; what of the old entries still counts is told again by events with the times of
// the first ones, so that the record alone is still enough to draw everything anew.
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
import type { Database, EvidenceRow, HoldRow, RunRow, TagRow } from './schema.ts';

export type Compacted = { readonly base: Link; readonly count: number; readonly snapshot: LedgerEvent[] };

/** @returns undefined where nothing is that old */
export async function compact(db: Database, before: Date): Promise<Compacted | undefined> {
  const cut = before.toISOString();
  const last = await db
    .selectFrom('event')
    .select(['seq', 'hash', 'at'])
    .where('at', '<', cut)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return undefined;
  const seq = Number(last.seq);
  for (const table of ['tag_interval', 'run_interval', 'evidence_interval', 'hold'] as const)
    await db.deleteFrom(table).where('until', 'is not', null).where('until', '<', cut).execute();
  await db.deleteFrom('alarm').where('until', 'is not', null).where('until', '<', cut).execute();
  // Before the rows that name them are taken out to be told again.
  const kept = await closures(db, cut);
  const carried = await snapshotOf(db, cut);
  const { numDeletedRows } = await db.deleteFrom('event').where('seq', '<=', seq).executeTakeFirst();
  return {
    base: { seq, hash: last.hash },
    count: Number(numDeletedRows),
    snapshot: [{ kind: 'compaction', before: cut, seq }, ...kept, ...carried],
  };
}

/** What began before the cut, and goes on or ended after it. Its rows are drawn anew from these. */
async function snapshotOf(db: Database, cut: string): Promise<LedgerEvent[]> {
  const old = async <R>(table: 'tag_interval' | 'run_interval' | 'evidence_interval' | 'hold'): Promise<R[]> => {
    // The four have these columns in common, and kysely's types know one table at a time.
    const one = table as 'hold';
    const rows = await db.selectFrom(one).selectAll().where('since', '<', cut).orderBy('since').execute();
    await db.deleteFrom(one).where('since', '<', cut).execute();
    return rows as R[];
  };
  const span = ({ since, until }: { since: string; until: string | null }) => ({
    since,
    ...(until !== null && { until }),
  });
  const tags = (await old<TagRow>('tag_interval')).map(
    ({ registry, repository, tag, digest, source, ...row }): TagEvent => ({
      kind: 'tag',
      registry,
      repository,
      tag,
      digest,
      source: source as TagEvent['source'],
      ...span(row),
    }),
  );
  const runs = (await old<RunRow>('run_interval')).map(
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
      ...span(row),
    }),
  );
  const evidence = (await old<EvidenceRow>('evidence_interval')).map(
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
      ...span(row),
    }),
  );
  const holds = (await old<HoldRow>('hold')).map(
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
      ...span(row),
    }),
  );
  return [...tags, ...runs, ...evidence, ...holds, ...(await blockEvents(db, cut))];
}

/** Closures of what still stands in an interval; others go. They never change, so their rows stay as they are. */
async function closures(db: Database, cut: string): Promise<ClosureEvent[]> {
  await db
    .deleteFrom('closure')
    .where('root', 'not in', (eb) =>
      eb
        .selectFrom('closure')
        .select('root')
        .where((or) =>
          or.or([
            or('member', 'in', or.selectFrom('run_interval').select('digest')),
            or('root', 'in', or.selectFrom('tag_interval').select('digest').where('digest', 'is not', null)),
          ]),
        ),
    )
    .execute();
  await db
    .deleteFrom('image')
    .where('root', 'not in', (eb) => eb.selectFrom('closure').select('root'))
    .execute();
  const told = await db
    .selectFrom('event')
    .select('body')
    .where('at', '<', cut)
    .where('body', 'like', '%"kind":"closure"%')
    .execute();
  const kept = new Set((await db.selectFrom('closure').select('root').distinct().execute()).map(({ root }) => root));
  return told
    .map(({ body }) => JSON.parse(body) as LedgerEvent)
    .filter((event): event is ClosureEvent => event.kind === 'closure' && kept.has(event.root));
}

/** What must never run again is never forgotten. */
async function blockEvents(db: Database, cut: string): Promise<BlockEvent[]> {
  const rows = await db.selectFrom('blocked').selectAll().where('since', '<', cut).execute();
  return rows.map(({ digest, reason, by }) => ({ kind: 'block', digests: [digest], reason, by }));
}
