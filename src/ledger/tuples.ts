// Several columns against a list, in one statement: `(a, b) in (values (…), (…))`, which SQLite and PostgreSQL both take.
import { type RawBuilder, sql } from 'kysely';

/** What stands in the parentheses; each row once. */
export function tuples(rows: readonly (readonly string[])[]): RawBuilder<unknown> {
  const distinct = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return sql`values ${sql.join([...distinct.values()].map((row) => sql`(${sql.join(row)})`))}`;
}

/** What is looked at: a tag, or a digest in its place. */
export type PolledName = { readonly registry: string; readonly repository: string; readonly tag: string };
export const pollTuple = ({ registry, repository, tag }: PolledName): string[] => [registry, repository, tag];
/** `docker.io/library/nginx:1.27` */
export const pollName = ({ registry, repository, tag }: PolledName): string => `${registry}/${repository}:${tag}`;
