// The dashboard: what is deployed, is it pinned, is it signed, has its tag moved, how to roll back;
// and the pages beside it.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { FILTER_LABELS, parseAddress, printAddress, type Shown, VIEWS, type View } from './address.ts';
import { AlarmsView } from './alarms.tsx';
import type { Page, Row } from './api.ts';
import { Drawer } from './drawer.tsx';
import { Filters } from './filters.tsx';
import { count, span, time } from './format.ts';
import { Incident } from './incident.tsx';
import { Moves } from './moves.tsx';
import { PollsView } from './polls.tsx';
import { Table } from './table.tsx';
import { useDeployed } from './use-deployed.ts';
import { Failure } from './use-query.tsx';

function App() {
  const [shown, setShown] = useState<Shown>(() => parseAddress(location.hash));
  const [open, setOpen] = useState<Row | undefined>();
  const { view, filter, q } = shown;
  const { page, error, shownFilter, load } = useDeployed(shown);
  useEffect(() => history.replaceState(null, '', printAddress(shown)), [shown]);
  const stamp = page?.at ?? '';
  return (
    <>
      {page?.clusters.some(({ name }) => name.includes('(simulated)')) && <DemoBanner />}
      <header class="top">
        <h1>{VIEWS[view]}</h1>
        <p class="quiet" aria-live="polite">
          {page === undefined ? 'Loading …' : statusLine(page)}
        </p>
        <Incident />
      </header>
      <nav aria-label="Pages" class="views">
        {Object.entries(VIEWS).map(([name, label]) => (
          <button
            key={name}
            type="button"
            aria-current={view === name ? 'page' : undefined}
            onClick={() => setShown({ ...shown, view: name as View })}
          >
            {label}
          </button>
        ))}
      </nav>
      {view === 'deployed' && (
        <Filters
          page={page}
          filter={filter}
          q={q}
          onFilter={(name) => setShown({ ...shown, filter: name })}
          onSearch={(words) => setShown({ ...shown, q: words })}
        />
      )}
      {error !== '' && <Failure message={error} />}
      <main data-shown={shownFilter === '' ? 'All' : FILTER_LABELS[shownFilter]}>
        {view === 'deployed' && page !== undefined && <Table page={page} pick={setOpen} more={load} filter={filter} />}
        {view === 'moves' && <Moves stamp={stamp} />}
        {view === 'alarms' && <AlarmsView stamp={stamp} />}
        {view === 'polls' && <PollsView stamp={stamp} />}
      </main>
      {open !== undefined && <Drawer row={open} close={() => setOpen(undefined)} />}
    </>
  );
}

const DemoBanner = () => (
  <p class="banner">
    Demo data: in a simulated cluster a tag moves, a pod picks it up, and someone rolls back. Open shop/Deployment/web,
    and look at Alarms. Nothing here is about your clusters.
  </p>
);

function statusLine({ freshness, at, all, clusters }: Page): string {
  const unread = clusters.filter(({ synced }) => !synced).map(({ name }) => name);
  if (unread.length > 0) return `${unread.join(', ')} has not been read yet: this list is not complete.`;
  const late = freshness.lateMs > freshness.objectiveMs ? `, the oldest poll is ${span(freshness.lateMs)} late` : '';
  const where = clusters.length === 0 ? '' : ` in ${clusters.map(({ name }) => name).join(', ')}`;
  return `${count(all, 'container')}${where}, ${freshness.tags} tags and digests polled${late} · as of ${time(at)} UTC`;
}

render(<App />, document.getElementById('app') as HTMLElement);
document.querySelector('#app > p.quiet')?.remove();
