// What is deployed, a row a container: what it is declared as, what runs, and what is known of that, each with its age.

import type { Page, Row } from './api.ts';
import {
  type Said,
  sayChecked,
  sayIdentity,
  sayPinned,
  sayPullable,
  sayVerified,
  short,
  shortImage,
  titleOf,
} from './format.ts';
import { TableHead } from './table-head.tsx';

type Props = { page: Page; pick: (row: Row) => void; more: (after: string) => unknown; filter: string };

export function Table({ page, pick, more, filter }: Props) {
  if (page.items.length === 0)
    return (
      <p class="quiet empty">
        {filter === ''
          ? 'Nothing runs here, or nothing matches the words.'
          : 'No container answers this question with yes.'}
      </p>
    );
  const now = Date.now();
  const several = page.clusters.length > 1;
  return (
    <>
      <table class="cards">
        <TableHead names={['Workload', 'Declared', 'Runs', 'Pinned', 'Verified', 'Tag now', 'Available']} />
        <tbody>
          {page.items.map((row) => (
            <Line
              key={`${row.cluster} ${titleOf(row)} ${row.type} ${row.container}`}
              {...{ row, pick, now, several, hasPolicy: page.hasPolicy }}
            />
          ))}
        </tbody>
      </table>
      {page.after !== undefined && (
        <button type="button" class="more" onClick={() => more(page.after as string)}>
          Show more of {page.total}
        </button>
      )}
    </>
  );
}

type LineProps = { row: Row; pick: (row: Row) => void; now: number; several: boolean; hasPolicy: boolean };

function Line({ row, pick, now, several, hasPolicy }: LineProps) {
  const identity = sayIdentity(row);
  const checked = [identity.detail, sayChecked(row, now)].filter(Boolean).join('; ');
  return (
    <tr>
      <th scope="row">
        <button type="button" class="link" onClick={() => pick(row)}>
          {row.namespace}/<wbr />
          {row.kind}/<wbr />
          {row.name}
        </button>
        <small>
          {row.container}
          {row.type === 'container' ? '' : ` (${row.type})`}
          {several ? ` in ${row.cluster}` : ''}
        </small>
        {row.hold !== undefined && <small class="held">held: {row.hold.reason}</small>}
      </th>
      <td data-label="Declared">
        {row.declared.map((image) => (
          <code key={image}>{shortImage(image)}</code>
        ))}
      </td>
      <td data-label="Runs">
        {row.running.map(({ image, digest, pods, blocked: never }) => (
          <span
            key={`${image} ${digest}`}
            class={row.mixed || never ? 'chip bad' : digest === undefined ? 'chip unknown' : 'chip'}
          >
            <code>{digest === undefined ? 'not known' : short(digest)}</code> ×{pods}
            {never !== null && <small class="bad">must never run: {never}</small>}
          </span>
        ))}
      </td>
      <Cell label="Pinned" said={sayPinned(row)} />
      <Cell label="Verified" said={sayVerified(row, hasPolicy, now)} />
      <Cell label="Tag now" said={{ ...identity, ...(checked !== '' && { detail: checked }) }} />
      <Cell label="Available" said={sayPullable(row, now)} />
    </tr>
  );
}

function Cell({ label, said: { text, tone, detail } }: { label: string; said: Said }) {
  return (
    <td data-label={label} class={tone}>
      {text}
      {detail !== undefined && <small>{detail}</small>}
    </td>
  );
}
