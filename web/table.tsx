// What is deployed, one row a container: what it declares, what runs, and what is known about that,
// each with its age.

import type { Page, Row } from './api.ts';
import {
  checkedText,
  identityVerdict,
  pinnedVerdict,
  pullableVerdict,
  short,
  shortImage,
  titleOf,
  type Verdict,
  verifiedVerdict,
} from './format.ts';
import { TableHead } from './table-head.tsx';

type Props = { page: Page; pick: (row: Row) => void; more: (after: string) => unknown; filter: string };

export function Table({ page, pick, more, filter }: Props) {
  if (page.items.length === 0)
    return (
      <p class="quiet empty">
        {filter === '' ? 'Nothing runs here, or nothing matches the search.' : 'No container matches this filter.'}
      </p>
    );
  const now = Date.now();
  const isMulti = page.clusters.length > 1;
  return (
    <>
      <table class="cards">
        <TableHead names={['Workload', 'Declared', 'Runs', 'Pinned', 'Verified', 'Tag now', 'Pullable']} />
        <tbody>
          {page.items.map((row) => (
            <Line
              key={`${row.cluster} ${titleOf(row)} ${row.type} ${row.container}`}
              {...{ row, pick, now, isMulti, hasPolicy: page.hasPolicy }}
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

type LineProps = { row: Row; pick: (row: Row) => void; now: number; isMulti: boolean; hasPolicy: boolean };

function Line({ row, pick, now, isMulti, hasPolicy }: LineProps) {
  const identity = identityVerdict(row);
  const tagDetail = [identity.detail, checkedText(row, now)].filter(Boolean).join('; ');
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
          {isMulti ? ` in ${row.cluster}` : ''}
        </small>
        {row.hold !== undefined && <small class="held">held: {row.hold.reason}</small>}
      </th>
      <td data-label="Declared">
        {row.declared.map((image) => (
          <code key={image}>{shortImage(image)}</code>
        ))}
      </td>
      <td data-label="Runs">
        {row.running.map(({ image, digest, pods, blocked }) => (
          <span
            key={`${image} ${digest}`}
            class={row.mixed || blocked ? 'chip bad' : digest === undefined ? 'chip unknown' : 'chip'}
          >
            <code>{digest === undefined ? 'unknown' : short(digest)}</code> ×{pods}
            {blocked !== null && <small class="bad">blocked: {blocked}</small>}
          </span>
        ))}
      </td>
      <Cell label="Pinned" verdict={pinnedVerdict(row)} />
      <Cell label="Verified" verdict={verifiedVerdict(row, hasPolicy, now)} />
      <Cell label="Tag now" verdict={{ ...identity, ...(tagDetail !== '' && { detail: tagDetail }) }} />
      <Cell label="Pullable" verdict={pullableVerdict(row, now)} />
    </tr>
  );
}

function Cell({ label, verdict: { text, tone, detail } }: { label: string; verdict: Verdict }) {
  return (
    <td data-label={label} class={tone}>
      {text}
      {detail !== undefined && <small>{detail}</small>}
    </td>
  );
}
