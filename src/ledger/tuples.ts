// Compares several columns with a list in one statement, as SQLite and PostgreSQL both accept it:
// `(a, b) in (values (…), (…))`.
import { type RawBuilder, sql } from 'kysely';

/** The text inside the parentheses. Equal rows appear once. */
export function tuples(rows: readonly (readonly string[])[]): RawBuilder<unknown> {
  const distinct = new Map(rows.map((row) => [JSON.stringify(row), row]));
  return sql`values ${sql.join([...distinct.values()].map((row) => sql`(${sql.join(row)})`))}`;
}

/** What is polled: a tag, or a digest in place of the tag. */
export type PolledName = { readonly registry: string; readonly repository: string; readonly tag: string };
export const pollTuple = ({ registry, repository, tag }: PolledName): string[] => [registry, repository, tag];
/** `docker.io/library/nginx:1.27` */
export const pollName = ({ registry, repository, tag }: PolledName): string => `${registry}/${repository}:${tag}`;
