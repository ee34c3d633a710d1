// The ledger's tables and migrations. `event` is the journal; the projection fills the other tables
// from it and can fill them again. Migrations only go up.
import { type Generated, type Kysely, type Selectable, sql } from 'kysely';
import { nodeOf } from './interval.ts';

export type Tables = {
  event: { seq: number; at: string; body: string; hash: string };
  /** One row. A writer locks it while it appends, so that the chain has no forks. */
  head: { id: number; seq: number; hash: string };
  tag_interval: {
    id: Generated<number>;
    registry: string;
    repository: string;
    tag: string;
    /** Null: the registry had no such tag. */
    digest: string | null;
    since: string;
    until: string | null;
    source: string;
  };
  run_interval: {
    id: Generated<number>;
    cluster: string;
    namespace: string;
    kind: string;
    name: string;
    container: string;
    type: string;
    image: string;
    digest: string;
    /** The highest number at one time. */
    pods: number;
    since: string;
    until: string | null;
    actor: string | null;
    /** Empty: not known. */
    revision: string;
    /** Its node in the tree of intervals (interval.ts). Null while it is open. */
    node: number | null;
  };
  closure: { root: string; member: string; role: string; platform: string | null };
  /** JSON of an ImageFacts. */
  image: { root: string; platform: string; facts: string };
  evidence_interval: {
    id: Generated<number>;
    registry: string;
    repository: string;
    digest: string;
    outcome: string;
    /** JSON: a list. */
    signers: string;
    reason: string;
    policy: string;
    source: string;
    since: string;
    until: string | null;
  };
  /** What a workload was rolled back to and must keep running. */
  hold: {
    id: Generated<number>;
    cluster: string | null;
    namespace: string;
    kind: string;
    name: string;
    container: string;
    image: string;
    digest: string;
    reason: string;
    by: string;
    since: string;
    until: string | null;
  };
  blocked: { digest: string; reason: string; by: string; since: string };
  /** One row: where the chain begins after compaction. */
  base: { id: number; seq: number; hash: string };
  /** Which of several watchers does a task that only one may do. Milliseconds since 1970. */
  lease: { name: string; holder: string; until: number };
  alarm: {
    key: string;
    /** The cluster it is about. Empty: a tag, in whatever cluster it is used. */
    scope: string;
    code: string;
    severity: string;
    subject: string;
    message: string;
    /** JSON: cluster, namespace, kind, name, container, where known. */
    about: string;
    since: string;
    until: string | null;
  };
  /** Messages about alarms that wait to be delivered. Milliseconds since 1970. */
  delivery: { id: Generated<number>; sink: string; body: string; due: number; tries: number; failure: string | null };
  /** When each tag is polled next. Not part of the journal. Times are milliseconds since 1970. */
  poll: {
    registry: string;
    repository: string;
    tag: string;
    checked: number | null;
    due: number;
    failure: string | null;
  };
};

export type TagRow = Omit<Selectable<Tables['tag_interval']>, 'id'>;
export type RunRow = Omit<Selectable<Tables['run_interval']>, 'id'>;
export type EvidenceRow = Omit<Selectable<Tables['evidence_interval']>, 'id'>;
export type HoldRow = Omit<Selectable<Tables['hold']>, 'id'>;
export type AlarmRow = Selectable<Tables['alarm']>;

/** The tables whose rows begin with `since` and end with `until`. */
export const INTERVAL_TABLES = ['tag_interval', 'run_interval', 'evidence_interval', 'hold'] as const;

export type Database = Kysely<Tables>;
export type Flavour = 'sqlite' | 'postgres';

type Migration = (db: Database, flavour: Flavour) => Promise<void>;

const MIGRATIONS: readonly Migration[] = [
  async (db, flavour) => {
    const id = flavour === 'sqlite' ? sql`integer primary key` : sql`bigint generated always as identity primary key`;
    for (const statement of [
      sql`create table event (seq bigint primary key, at text not null, body text not null, hash text not null)`,
      sql`create table head (id integer primary key, seq bigint not null, hash text not null)`,
      sql`create table tag_interval (id ${id}, registry text not null, repository text not null, tag text not null, digest text,
        since text not null, until text, source text not null)`,
      sql`create index tag_by_name on tag_interval (registry, repository, tag, since)`,
      sql`create index tag_by_digest on tag_interval (digest)`,
      sql`create unique index tag_open on tag_interval (registry, repository, tag) where until is null`,
      sql`create table run_interval (id ${id}, cluster text not null, namespace text not null, kind text not null, name text not null,
        container text not null, type text not null, image text not null, digest text not null, pods integer not null,
        since text not null, until text, actor text)`,
      sql`create index run_by_workload on run_interval (namespace, kind, name, since)`,
      sql`create index run_by_digest on run_interval (digest, since)`,
      sql`create index run_by_time on run_interval (until, since)`,
      sql`create unique index run_open on run_interval (cluster, namespace, kind, name, container, type, image, digest) where until is null`,
      sql`create table closure (root text not null, member text not null, role text not null, platform text, primary key (root, member))`,
      sql`create index closure_by_member on closure (member)`,
      sql`create table poll (registry text not null, repository text not null, tag text not null, checked bigint, due bigint not null,
        failure text, primary key (registry, repository, tag))`,
    ])
      await statement.execute(db);
  },
  async (db, flavour) => {
    const id = flavour === 'sqlite' ? sql`integer primary key` : sql`bigint generated always as identity primary key`;
    for (const statement of [
      sql`alter table run_interval add column revision text not null default ''`,
      sql`alter table run_interval add column node bigint`,
      sql`drop index run_open`,
      sql`create unique index run_open on run_interval (cluster, namespace, kind, name, container, type, image, digest, revision)
        where until is null`,
      sql`drop index run_by_time`,
      sql`create index run_by_node_until on run_interval (node, until)`,
      sql`create index run_by_node_since on run_interval (node, since)`,
      sql`create table image (root text not null, platform text not null, facts text not null, primary key (root, platform))`,
      sql`create table evidence_interval (id ${id}, registry text not null, repository text not null, digest text not null,
        outcome text not null, signers text not null, reason text not null, policy text not null, source text not null,
        since text not null, until text)`,
      sql`create index evidence_by_digest on evidence_interval (digest, since)`,
      sql`create unique index evidence_open on evidence_interval (registry, repository, digest, source) where until is null`,
      sql`create table hold (id ${id}, cluster text, namespace text not null, kind text not null, name text not null,
        container text not null, image text not null, digest text not null, reason text not null, "by" text not null,
        since text not null, until text)`,
      sql`create index hold_by_workload on hold (namespace, kind, name)`,
      sql`create table never (digest text primary key, reason text not null, "by" text not null, since text not null)`,
      sql`create table base (id integer primary key, seq bigint not null, hash text not null)`,
      sql`create table lease (name text primary key, holder text not null, until bigint not null)`,
      sql`create table alarm ("key" text primary key, scope text not null, code text not null, severity text not null, subject text not null,
        message text not null, about text not null, since text not null, until text)`,
      sql`create table delivery (id ${id}, sink text not null, body text not null, due bigint not null, tries integer not null,
        failure text)`,
      sql`create index delivery_by_due on delivery (due)`,
      sql`create index tag_by_time on tag_interval (since)`,
    ])
      await statement.execute(db);
    await placeIntervals(db);
  },
  async (db) => void (await sql`alter table never rename to blocked`.execute(db)),
];

/** Gives a node to intervals that ended before version 2. */
async function placeIntervals(db: Database): Promise<void> {
  for (;;) {
    const rows = await db
      .selectFrom('run_interval')
      .select(['id', 'since', 'until'])
      .where('until', 'is not', null)
      .where('node', 'is', null)
      .limit(1000)
      .execute();
    if (rows.length === 0) return;
    const nodes = rows.map(
      ({ id, since, until }) =>
        sql`select cast(${id} as bigint) as id, cast(${nodeOf(since, until as string)} as bigint) as node`,
    );
    await sql`update run_interval set node = v.node from (${sql.join(nodes, sql` union all `)}) as v where run_interval.id = v.id`.execute(
      db,
    );
  }
}

/**
 * Migrates an empty or older database and keeps its data.
 * @throws for one that a newer tagproof wrote
 */
export async function migrate(db: Database, flavour: Flavour): Promise<void> {
  await sql`create table if not exists migration (version integer primary key)`.execute(db);
  const { rows } = await sql<{ version: number | null }>`select max(version) as version from migration`.execute(db);
  const version = Number(rows[0]?.version ?? 0);
  if (version > MIGRATIONS.length)
    throw new Error(`its version is ${version}, and this tagproof supports up to ${MIGRATIONS.length}`);
  for (const [index, up] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await db.transaction().execute(async (transaction) => {
      await up(transaction as unknown as Database, flavour);
      await sql`insert into migration (version) values (${index + 1})`.execute(transaction);
    });
  }
}
