// The ledger's tables. `event` is the record; the others are drawn from it and can be drawn again. Migrations only go up.
import { type Generated, type Kysely, type Selectable, sql } from 'kysely';

export type Tables = {
  event: { seq: number; at: string; body: string; hash: string };
  /** One row: whoever appends holds it, so that the chain has no forks. */
  head: { id: number; seq: number; hash: string };
  tag_interval: {
    id: Generated<number>;
    registry: string;
    repository: string;
    tag: string;
    /** Null: there was no such tag. */
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
    /** The most at once. */
    pods: number;
    since: string;
    until: string | null;
    actor: string | null;
  };
  closure: { root: string; member: string; role: string; platform: string | null };
  /** When each tag is asked about next; a convenience, no record. Times are milliseconds since 1970. */
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
];

/** Brings an empty or older database up; data is kept. @throws for one that a newer tagproof wrote */
export async function migrate(db: Database, flavour: Flavour): Promise<void> {
  await sql`create table if not exists migration (version integer primary key)`.execute(db);
  const { rows } = await sql<{ version: number | null }>`select max(version) as version from migration`.execute(db);
  const version = Number(rows[0]?.version ?? 0);
  if (version > MIGRATIONS.length)
    throw new Error(`its version is ${version}, this tagproof knows up to ${MIGRATIONS.length}`);
  for (const [index, up] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await db.transaction().execute(async (transaction) => {
      await up(transaction as unknown as Database, flavour);
      await sql`insert into migration (version) values (${index + 1})`.execute(transaction);
    });
  }
}
