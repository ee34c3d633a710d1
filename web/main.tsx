// One screen: what is deployed, is it pinned, has the tag moved, and how do I go back?
import { render } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { askDeployed, askWhere, type Page, type Row, type Run } from './api.ts';
import { Drawer } from './drawer.tsx';
import { sayChecked, sayIdentity, sayPinned, short, shortImage, time, titleOf } from './words.ts';

const FILTERS: [name: string, label: string][] = [
  ['', 'All'],
  ['unpinned', 'Not pinned'],
  ['moved', 'Tag moved'],
  ['mixed', 'Mixed replicas'],
  ['different', 'Something else runs'],
  ['gone', 'Tag gone'],
  ['unknown', 'Not known'],
];

/** What is asked stands in the address, so that it can be sent to somebody. */
const asked = () => new URLSearchParams(location.hash.slice(1));

function App() {
  const [filter, setFilter] = useState(asked().get('filter') ?? '');
  const [q, setQ] = useState(asked().get('q') ?? '');
  const [page, setPage] = useState<Page | undefined>();
  const [error, setError] = useState('');
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
        setPage((before) =>
          after === undefined || before === undefined ? next : { ...next, items: [...before.items, ...next.items] },
        );
      } catch (problem) {
        if (mine === last.current) setError((problem as Error).message);
      }
    },
    [filter, q],
  );
  useEffect(() => {
    history.replaceState(null, '', `#${new URLSearchParams({ ...(filter && { filter }), ...(q && { q }) })}`);
    const timer = setTimeout(() => void load(), 120);
    return () => clearTimeout(timer);
  }, [load, filter, q]);
  useEffect(() => {
    const changes = new EventSource('/api/v1/changes');
    changes.addEventListener('changed', () => void load());
    return () => changes.close();
  }, [load]);
  return (
    <>
      <header class="top">
        <h1>What is deployed</h1>
        <p class="quiet" aria-live="polite">
          {page === undefined ? 'Loading …' : statusLine(page)}
        </p>
        <Incident />
      </header>
      <nav aria-label="Questions">
        {FILTERS.map(([name, label]) => {
          const count = name === '' ? page?.all : page?.counts[name];
          return (
            <button
              key={name}
              type="button"
              aria-pressed={filter === name}
              class={name !== '' && (count ?? 0) > 0 ? 'some' : ''}
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
      {error !== '' && (
        <p class="bad" role="alert">
          {error}
        </p>
      )}
      <main>{page !== undefined && <Table page={page} pick={setOpen} more={load} filter={filter} />}</main>
      {open !== undefined && <Drawer row={open} close={() => setOpen(undefined)} />}
    </>
  );
}

function statusLine({ synced, freshness, at, all, clusters }: Page): string {
  if (!synced) return 'The cluster has not been read yet: what stands here is not everything.';
  const late =
    freshness.lateMs > 60_000 ? `, the oldest look is ${Math.round(freshness.lateMs / 60_000)} min late` : '';
  const where = clusters.length === 0 ? '' : ` in ${clusters.join(', ')}`;
  return `${all} containers${where}, ${freshness.tags} tags followed${late} · as of ${time(at)} UTC`;
}

function Table({
  page,
  pick,
  more,
  filter,
}: {
  page: Page;
  pick: (row: Row) => void;
  more: (after: string) => unknown;
  filter: string;
}) {
  if (page.items.length === 0)
    return (
      <p class="quiet empty">
        {filter === ''
          ? 'Nothing runs here, or nothing matches the words.'
          : 'No container answers this question with yes.'}
      </p>
    );
  const now = Date.now();
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col">Declared</th>
            <th scope="col">Runs</th>
            <th scope="col">Pinned</th>
            <th scope="col">Tag now</th>
          </tr>
        </thead>
        <tbody>
          {page.items.map((row) => {
            const [pinned, identity] = [sayPinned(row), sayIdentity(row)];
            return (
              <tr key={`${row.cluster} ${titleOf(row)} ${row.type} ${row.container}`}>
                <th scope="row">
                  <button type="button" class="link" onClick={() => pick(row)}>
                    {titleOf(row)}
                  </button>
                  <small>
                    {row.container}
                    {row.type === 'container' ? '' : ` (${row.type})`}
                  </small>
                </th>
                <td data-label="Declared">
                  {row.declared.map((image) => (
                    <code key={image}>{shortImage(image)}</code>
                  ))}
                </td>
                <td data-label="Runs">
                  {row.running.map(({ digest, pods }) => (
                    <span key={digest} class={row.mixed ? 'chip bad' : digest === undefined ? 'chip unknown' : 'chip'}>
                      <code>{digest === undefined ? 'not known' : short(digest)}</code> ×{pods}
                    </span>
                  ))}
                </td>
                <td data-label="Pinned" class={pinned.tone}>
                  {pinned.text}
                </td>
                <td data-label="Tag now" class={identity.tone}>
                  {identity.text}{' '}
                  <small>
                    {identity.detail ?? ''} {sayChecked(row, now)}
                  </small>
                </td>
              </tr>
            );
          })}
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

/** Paste a digest: where does it run, and where did it ever? */
function Incident() {
  const [found, setFound] = useState<readonly Run[] | string | undefined>();
  const look = (event: Event) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get('digest')).trim();
    const digest = text.slice(text.indexOf('@') + 1);
    askWhere(digest).then(
      ({ runs }) => setFound(runs),
      (problem: Error) => setFound(problem.message),
    );
  };
  return (
    <form onSubmit={look} class="incident">
      <label>
        <span>Where does this digest run?</span>
        <input name="digest" placeholder="sha256:…" required />
      </label>
      <button type="submit">Look</button>
      {found !== undefined && (
        <output>
          {typeof found === 'string' ? (
            <span class="bad">{found}</span>
          ) : found.length === 0 ? (
            'It never ran here, as far as the ledger knows.'
          ) : (
            <ul>
              {found.slice(0, 50).map((run) => (
                <li key={`${titleOf(run)} ${run.container} ${run.since}`}>
                  {titleOf(run)} <em>{run.container}</em>, {time(run.since)} to{' '}
                  {run.until === null ? <b>now</b> : time(run.until)}
                </li>
              ))}
            </ul>
          )}
        </output>
      )}
    </form>
  );
}

render(<App />, document.getElementById('app') as HTMLElement);
document.querySelector('#app > p.quiet')?.remove();
