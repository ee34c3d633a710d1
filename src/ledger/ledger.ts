// The journal and its queries: what each tag pointed to, what each workload ran, where a digest
// ever ran, each from when to when.
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
/** Times are RFC 3339. `rested`: since when the tag had pointed to `from`. */
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

/** A digest in place of a tag: the row says whether the registry serves it. */
const A_DIGEST = 'sha256:%';
/** Highest number of rows in one answer. */
const MAX_ROWS = 10_000;
/** Highest number of containers in the answer about one moment. */
const MAX_AT = 50_000;

export class Ledger extends Journal {
  readonly polls: Polls;
  readonly alarms: Alarms;
  readonly statements: Statements;
  readonly #name: string;

  /** @param name the file, or the address of the database without its password */
  constructor(db: Database, flavour: Flavour, name: string) {
    super(db, flavour);
    this.#name = name;
    this.polls = new Polls(db, flavour);
    this.alarms = new Alarms(db, flavour);
    this.statements = new Statements(db);
  }

  /**
   * For messages about what it does not contain: `tagproof.db (12 entries since
   * 2026-11-24T12:00:00Z)`.
   */
  async describe(): Promise<string> {
    const { count, since } = await this.extent();
    const entries = count === 1 ? '1 entry' : `${count} entries`;
    return `${this.#name} (${since === undefined ? 'no entries' : `${entries} since ${since.slice(0, 19)}Z`})`;
  }

  /** What a tag pointed to, newest first. @param tag undefined: all tags of the repository */
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

  /**
   * Where a digest runs and ever ran, and under which tags. Any member of its closure counts,
   * because nodes report an index, a manifest or a configuration.
   */
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

  /**
   * What ran at a moment.
   * @throws Problem `limit` where there is too much for one answer: a part of it would look like
   * everything
   */
  async at(
    moment: Date,
    { cluster, namespace }: { cluster?: string; namespace?: string } = {},
  ): Promise<RunInterval[]> {
    const time = moment.toISOString();
    const { before, after } = nodesAround(time);
    const ran = () => {
      let query = this.db.selectFrom('run_interval').selectAll().where('since', '<=', time);
      // The empty text keeps the index on namespaces out: a namespace has thousands of runs that
      // ended, and the tree of intervals finds the few of that moment.
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
      throw new Problem('limit', `more than ${MAX_AT} containers ran then: choose one namespace`);
    const keyOf = (row: RunInterval) => `${row.cluster}\n${row.namespace}\n${row.name}\n${row.container}`;
    return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** What runs now, as far as recorded: a restarted watcher continues from here. */
  async open(cluster: string): Promise<RunInterval[]> {
    return this.db
      .selectFrom('run_interval')
      .selectAll()
      .where('cluster', '=', cluster)
      .where('until', 'is', null)
      .execute();
  }

  /**
   * What each tag points to now, as far as recorded, and whether it ever moved.
   * @param names undefined: all tags
   */
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

  /** The roots of the closures that these digests belong to, other than themselves. */
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

  /** The recorded closure of a digest. Undefined: it was never read. */
  async closure(root: string): Promise<{ member: string; role: string; platform: string | null }[] | undefined> {
    const rows = await this.db
      .selectFrom('closure')
      .select(['member', 'role', 'platform'])
      .where('root', '=', root)
      .execute();
    return rows.length === 0 ? undefined : rows;
  }

  /** The content of each platform's image, of the digest or of the index that it belongs to. */
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

  /**
   * Tags that moved, newest first, each with its previous digest. Digests in place of tags are left
   * out.
   */
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

  /**
   * Takes or renews the lease on a task that only one of several watchers does. A lease that is not
   * renewed for `forMs` may be taken by another watcher.
   * @returns whether this holder has it
   */
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

  /** Gives up all leases of a holder, so that another watcher can take over at once. */
  async release(holder: string): Promise<void> {
    await this.db.deleteFrom('lease').where('holder', '=', holder).execute();
  }
}
