// The filters with their counts, and the search.
import { FILTER_LABELS, type Shown } from './address.ts';
import type { Filter, Page } from './api.ts';

type Props = {
  page: Page | undefined;
  filter: Shown['filter'];
  q: string;
  onFilter: (filter: Shown['filter']) => void;
  onSearch: (q: string) => void;
};

export function Filters({ page, filter, q, onFilter, onSearch }: Props) {
  const button = (name: Shown['filter'], label: string, count: number | undefined) => (
    <button
      key={name}
      type="button"
      aria-pressed={filter === name}
      class={name !== '' && name !== 'held' && (count ?? 0) > 0 ? 'some' : ''}
      onClick={() => onFilter(name)}
    >
      {label} <b>{count ?? '…'}</b>
    </button>
  );
  return (
    <nav aria-label="Filters">
      {button('', 'All', page?.all)}
      {Object.entries(FILTER_LABELS).map(([name, label]) =>
        button(name as Filter, label, page?.counts[name as Filter]),
      )}
      <label>
        <span>Search</span>
        <input
          type="search"
          value={q}
          placeholder="workload, image or digest"
          onInput={(event) => onSearch(event.currentTarget.value)}
        />
      </label>
    </nav>
  );
}
