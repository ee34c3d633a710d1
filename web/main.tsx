// One screen: what is deployed, is it pinned, signed, has the tag moved, and how do I go back? And the pages beside it.
import { render } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Alarms } from './alarms.tsx';
import { askDeployed, type Page, type Row } from './api.ts';
import { Drawer } from './drawer.tsx';
import { span, time } from './format.ts';
import { Incident } from './incident.tsx';
import { Moves } from './moves.tsx';
import { PollsView } from './polls.tsx';
import { Table } from './table.tsx';

const FILTERS: [name: string, label: string][] = [
  ['', 'All'],
  ['unpinned', 'Not pinned'],
  ['unverified', 'Not verified'],
  ['moved', 'Tag moved'],
  ['mixed', 'Mixed replicas'],
  ['unrecoverable', 'Not recoverable'],
  ['different', 'Something else runs'],
  ['gone', 'Tag gone'],
  ['missingPlatform', 'Platform missing'],
  ['held', 'Held'],
  ['unknown', 'Not known'],
];
const VIEWS = { deployed: 'What is deployed', moves: 'Tag moves', alarms: 'Alarms', looks: 'Freshness' } as const;
type View = keyof typeof VIEWS;

/** What is asked stands in the address, so that it can be sent to somebody. */
const asked = () => new URLSearchParams(location.hash.slice(1));
const viewOf = (text: string | null): View => (text !== null && text in VIEWS ? (text as View) : 'deployed');

function App() {
  const [view, setView] = useState<View>(viewOf(asked().get('view')));
  const [filter, setFilter] = useState(asked().get('filter') ?? '');
  const [q, setQ] = useState(asked().get('q') ?? '');
  const [page, setPage] = useState<Page | undefined>();
  const [error, setError] = useState('');
  /** Of the rows that stand there: an answer comes later than its question. */
  const [shown, setShown] = useState('');
  const [open, setOpen] = useState<Row | undefined>();
  // Answers may come in another order than they were asked for: only the last question counts.
  const last = useRef(0);
  const load = useCallback(
    async (after?: string) => {
      const mine = ++last.current;
      try {
        const next = await askDeployed({ filter, q, after });
        if (mine !== last.current) return;
        setError('');
        setShown(filter);
        setPage((before) =>
          after === undefined || before === undefined ? next : { ...next, items: [...before.items, ...next.items] },
        );
      } catch (problem) {
        if (mine === last.current) setError((problem as Error).message);
      }
    },
    [filter, q],
  );
  const typed = useRef(q);
  useEffect(() => {
    const address = { ...(view !== 'deployed' && { view }), ...(filter && { filter }), ...(q && { q }) };
    history.replaceState(null, '', `#${new URLSearchParams(address)}`);
    // Who types is waited for; who clicks, or has just come, is not.
    const timer = setTimeout(() => void load(), typed.current === q ? 0 : 120);
    typed.current = q;
    return () => clearTimeout(timer);
  }, [load, view, filter, q]);
  useEffect(() => {
    const changes = new EventSource('/api/v1/changes');
    changes.addEventListener('changed', () => void load());
    return () => changes.close();
  }, [load]);
  const stamp = page?.at ?? '';
  return (
    <>
      {page?.clusters.some(({ name }) => name.includes('(simulated)')) && (
        <p class="banner">
          Demo data: a simulated cluster, in which a tag moves, a pod takes it, and somebody goes back. Open
          shop/Deployment/web, and look under Alarms. Nothing here is yours.
        </p>
      )}
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
            onClick={() => setView(viewOf(name))}
          >
            {label}
          </button>
        ))}
      </nav>
      {view === 'deployed' && (
        <nav aria-label="Questions">
          {FILTERS.map(([name, label]) => {
            const count = name === '' ? page?.all : page?.counts[name];
            return (
              <button
                key={name}
                type="button"
                aria-pressed={filter === name}
                class={name !== '' && name !== 'held' && (count ?? 0) > 0 ? 'some' : ''}
                onClick={() => setFilter(name)}
              >
                {label} <b>{count ?? '…'}</b>
              </button>
            );
          })}
          <label>
            <span>Search</span>
            <input
              type="search"
              value={q}
              placeholder="workload, image or digest"
              onInput={(event) => setQ(event.currentTarget.value)}
            />
          </label>
        </nav>
      )}
      {error !== '' && (
        <p class="bad" role="alert">
          {error}
        </p>
      )}
      <main data-shown={FILTERS.find(([name]) => name === shown)?.[1]}>
        {view === 'deployed' && page !== undefined && <Table page={page} pick={setOpen} more={load} filter={filter} />}
        {view === 'moves' && <Moves stamp={stamp} />}
        {view === 'alarms' && <Alarms stamp={stamp} />}
        {view === 'looks' && <PollsView stamp={stamp} />}
      </main>
      {open !== undefined && <Drawer row={open} close={() => setOpen(undefined)} />}
    </>
  );
}

function statusLine({ freshness, at, all, clusters }: Page): string {
  const unread = clusters.filter(({ synced }) => !synced).map(({ name }) => name);
  if (unread.length > 0) return `${unread.join(', ')} has not been read yet: what stands here is not everything.`;
  const late = freshness.lateMs > freshness.objectiveMs ? `, the oldest look is ${span(freshness.lateMs)} late` : '';
  const where = clusters.length === 0 ? '' : ` in ${clusters.map(({ name }) => name).join(', ')}`;
  return `${all} containers${where}, ${freshness.tags} tags and digests followed${late} · as of ${time(at)} UTC`;
}

render(<App />, document.getElementById('app') as HTMLElement);
document.querySelector('#app > p.quiet')?.remove();
