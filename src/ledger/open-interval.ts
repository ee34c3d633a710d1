// What the projections of tags and runs share: open intervals, and updates of many rows in one
// statement. Pure.
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
  const casts = names.map((name) => ` as ${columns[name]}) as "${name}"`);
  // The same text for every row, as a template, so that each row is one node of the statement.
  const text = [...casts.keys()].map((i) => (i === 0 ? 'select cast(' : `${casts[i - 1]}, cast(`));
  const template = Object.assign([...text, casts.at(-1) ?? ''], { raw: [] }) as unknown as TemplateStringsArray;
  const selects = rows.map((row) => sql(template, ...names.map((name) => row[name])));
  return sql.join(selects, sql` union all `);
}
