// What the projections of tags and runs share: open intervals, and updates of many rows in one statement. Pure.
import { type RawBuilder, sql } from 'kysely';

/** An open interval: in the table under its id, or begun in this batch. */
export type OpenInterval<R> = { readonly id?: number; readonly row: R };

/** The later of two times: clocks of several watchers differ, and nothing ends before it began. */
export const later = (a: string, b = ''): string => (a > b ? a : b);

/**
 * Rows as a table inside a statement.
 * Each column has a cast, because PostgreSQL takes a bare parameter for text.
 */
export function unionOf<C extends string>(
  columns: Readonly<Record<C, 'bigint' | 'integer' | 'text'>>,
  rows: readonly Readonly<Record<NoInfer<C>, string | number | null>>[],
): RawBuilder<unknown> {
  const names = Object.keys(columns) as C[];
  const selects = rows.map((row) => {
    const cells = names.map((name) => sql`cast(${row[name]} as ${sql.raw(columns[name])}) as ${sql.ref(name)}`);
    return sql`select ${sql.join(cells)}`;
  });
  return sql.join(selects, sql` union all `);
}
