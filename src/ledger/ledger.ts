// What the record answers: what each tag pointed to from when to when, what each workload ran, where a digest ever was.
import { sql } from 'kysely';
import { Problem } from '../problem.ts';
import { Alarms } from './alarms.ts';
import type { ImageFacts } from './event.ts';
import { nodesAround } from './interval.ts';
import { Journal } from './journal.ts';
import { Polls } from './polls.ts';
import type { Database, Flavour, RunRow, TagRow } from './schema.ts';
import { Statements } from './statements.ts';
import { type PolledName, pollTuple, tuples } from './tuples.ts';

export type TagInterval = Readonly<TagRow>;
/** Times are RFC 3339; `rested` is since when the tag pointed to `from`. */
export type TagMove = {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly rested: string;
  readonly at: string;
  readonly source: string;
};
export type RunInterval = Readonly<RunRow>;

/** In the place of a tag: it tells whether that digest is served. */
const A_DIGEST = 'sha256:%';
/** Rows of one answer at the most. */
const MAX_ROWS = 10_000;
/** Containers of one moment at the most. */
const MAX_AT = 50_000;

/** The journal, and its answers. */
export class Ledger extends Journal {
  readonly polls: Polls;
  readonly alarms: Alarms;
  readonly statements: Statements;

  constructor(db: Database, flavour: Flavour) {
    super(db, flavour);
    this.polls = new Polls(db, flavour);
    this.alarms = new Alarms(db, flavour);
    this.statements = new Statements(db);
  }

  /** What a tag pointed to, newest first. */
  tagHistory(registry: string, repository: string, tag?: string): Promise<TagInterval[]> {
    let query = this.db
      .selectFrom('tag_interval')
      .selectAll()
      .where('registry', '=', registry)
      .where('repository', '=', repository);
    query = tag === undefined ? query.where('tag', 'not like', A_DIGEST) : query.where('tag', '=', tag);
    return query.orderBy('since', 'desc').orderBy('id', 'desc').limit(MAX_ROWS).execute();
  }

  /** What a workload ran, newest first. */
  runHistory(workload: { cluster?: string; namespace: string; kind?: string; name: string }): Promise<RunInterval[]> {
    let query = this.db
      .selectFrom('run_interval')
      .selectAll()
      .where('namespace', '=', workload.namespace)
      .where('name', '=', workload.name);
    if (workload.cluster !== undefined) query = query.where('cluster', '=', workload.cluster);
    if (workload.kind !== undefined) query = query.where('kind', '=', workload.kind);
    return query.orderBy('since', 'desc').orderBy('id', 'desc').limit(MAX_ROWS).execute();
  }

  /** Where a digest runs and ever ran, and under which names: of its whole closure, for nodes say index, manifest or configuration. */
  async where(digest: string): Promise<{ digests: string[]; runs: RunInterval[]; tags: TagInterval[] }> {
    const roots = await this.db.selectFrom('closure').select('root').where('member', '=', digest).execute();
    const family = [digest, ...roots.map(({ root }) => root)];
    const members = await this.db.selectFrom('closure').select('member').where('root', 'in', family).execute();
    const digests = [...new Set([...family, ...members.map(({ member }) => member)])].slice(0, 1000);
    const runs = await this.db
      .selectFrom('run_interval')
      .selectAll()
      .where('digest', 'in', digests)
      .orderBy('since', 'desc')
      .limit(MAX_ROWS)
      .execute();
    const tags = await this.db
      .selectFrom('tag_interval')
      .selectAll()
      .where('digest', 'in', digests)
      .where('tag', 'not like', A_DIGEST)
      .orderBy('since', 'desc')
      .limit(MAX_ROWS)
      .execute();
    return { digests, runs, tags };
  }

  /** What ran at a moment. @throws Problem `limit` for more than can be answered at once: a part of it would look like all */
  async at(
    moment: Date,
    { cluster, namespace }: { cluster?: string; namespace?: string } = {},
  ): Promise<RunInterval[]> {
    const time = moment.toISOString();
    const { before, after } = nodesAround(time);
    const ran = () => {
      let query = this.db.selectFrom('run_interval').selectAll().where('since', '<=', time);
      // Not by an index: a namespace has thousands of runs that ended, and the tree leads to the few of that moment.
      if (cluster !== undefined) query = query.where(sql<boolean>`cluster || '' = ${cluster}`);
      if (namespace !== undefined) query = query.where(sql<boolean>`namespace || '' = ${namespace}`);
      return query.limit(MAX_AT + 1);
    };
    const rows = [
      ...(await ran().where('until', 'is', null).execute()),
      ...(await ran().where('node', 'in', before).where('until', '>', time).execute()),
      ...(await ran().where('node', 'in', after).where('until', '>', time).execute()),
    ];
    if (rows.length > MAX_AT)
      throw new Problem('limit', `more than ${MAX_AT} containers ran then: ask for one namespace`);
    const keyOf = (row: RunInterval) => `${row.cluster}\n${row.namespace}\n${row.name}\n${row.container}`;
    return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** What is open now: where a watcher that comes back goes on from. */
  async open(cluster: string): Promise<RunInterval[]> {
    return this.db
      .selectFrom('run_interval')
      .selectAll()
      .where('cluster', '=', cluster)
      .where('until', 'is', null)
      .execute();
  }

  /** What each tag is taken to point to now, and whether it was ever seen to move. @param names undefined: all of them */
  async openTags(names?: readonly PolledName[]): Promise<(TagInterval & { readonly moved: boolean })[]> {
    if (names?.length === 0) return [];
    let query = this.db
      .selectFrom('tag_interval as open')
      .selectAll('open')
      .select((eb) =>
        eb
          .exists(
            eb
              .selectFrom('tag_interval as ended')
              .select('ended.id')
              .whereRef('ended.registry', '=', 'open.registry')
              .whereRef('ended.repository', '=', 'open.repository')
              .whereRef('ended.tag', '=', 'open.tag')
              .where('ended.until', 'is not', null),
          )
          .as('moved'),
      )
      .where('open.until', 'is', null);
    if (names !== undefined)
      query = query.where(
        sql<boolean>`(open.registry, open.repository, open.tag) in (${tuples(names.map(pollTuple))})`,
      );
    return (await query.execute()).map((row) => ({ ...row, moved: Boolean(row.moved) }));
  }

  /** Of parts of images: the roots of the closures that they belong to. */
  async rootsOf(digests: readonly string[]): Promise<{ root: string; member: string }[]> {
    if (digests.length === 0) return [];
    const parts = digests.slice(0, MAX_ROWS);
    return this.db
      .selectFrom('closure')
      .select(['root', 'member'])
      .where('member', 'in', parts)
      .whereRef('root', '!=', 'member')
      .execute();
  }

  /** The closure of a digest, as it was read once; undefined: it never was. */
  async closure(root: string): Promise<{ member: string; role: string; platform: string | null }[] | undefined> {
    const rows = await this.db
      .selectFrom('closure')
      .select(['member', 'role', 'platform'])
      .where('root', '=', root)
      .execute();
    return rows.length === 0 ? undefined : rows;
  }

  /** What each platform's image of a digest is made of: JSON of ImageFacts. Of the digest, or of the index that it belongs to. */
  async images(digest: string): Promise<ImageFacts[]> {
    const rows = await this.db
      .selectFrom('image')
      .select('facts')
      .where('root', 'in', (eb) =>
        eb.selectFrom('closure').select('root').where('member', '=', digest).orderBy('root').limit(1),
      )
      .execute();
    return rows.map(({ facts }) => JSON.parse(facts) as ImageFacts);
  }

  /** Tags that moved, newest first: each with what it was before. Digests in the place of tags are left out. */
  async moves({ before, limit = 100 }: { before?: string; limit?: number } = {}): Promise<TagMove[]> {
    let query = this.db
      .selectFrom('tag_interval as now')
      .innerJoin('tag_interval as was', (join) =>
        join
          .onRef('was.registry', '=', 'now.registry')
          .onRef('was.repository', '=', 'now.repository')
          .onRef('was.tag', '=', 'now.tag')
          .onRef('was.until', '=', 'now.since'),
      )
      .select(['now.registry', 'now.repository', 'now.tag', 'was.digest as from', 'now.digest as to'])
      .select(['was.since as rested', 'now.since as at', 'now.source'])
      .where('now.tag', 'not like', A_DIGEST);
    if (before !== undefined) query = query.where('now.since', '<', before);
    return query.orderBy('now.since', 'desc').limit(Math.min(limit, MAX_ROWS)).execute();
  }

  /** Only one of several watchers does this, until it is gone for so long. @returns whether it is this one */
  async acquire(name: string, holder: string, now: number, forMs: number): Promise<boolean> {
    await this.db
      .insertInto('lease')
      .values({ name, holder, until: now + forMs })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet({ holder, until: now + forMs })
          .where((eb) => eb.or([eb('lease.holder', '=', holder), eb('lease.until', '<', now)])),
      )
      .execute();
    const row = await this.db.selectFrom('lease').select('holder').where('name', '=', name).executeTakeFirst();
    return row?.holder === holder;
  }

  /** Another may take over at once. */
  async release(holder: string): Promise<void> {
    await this.db.deleteFrom('lease').where('holder', '=', holder).execute();
  }
}
