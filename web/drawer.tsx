// One container in full: the timeline, what it ran, where its digest runs besides, and the way back.
import { useEffect, useRef, useState } from 'preact/hooks';
import { askRuns, askTags, askWhere, type Row, type Run, type Tag } from './api.ts';
import { Timeline } from './timeline.tsx';
import { age, sayChecked, sayIdentity, sayPinned, short, shortImage, time, titleOf } from './words.ts';

type Known = { readonly runs: readonly Run[]; readonly tags: readonly Tag[]; readonly elsewhere: readonly Run[] };

export function Drawer({ row, close }: { row: Row; close: () => void }) {
  const [known, setKnown] = useState<Known | Error | undefined>();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), [row]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close();
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [close]);
  useEffect(() => {
    setKnown(undefined);
    const digest = row.running[0]?.digest;
    Promise.all([
      askRuns(row),
      row.tag === undefined ? { tags: [] } : askTags((row.declared[0] ?? '').replace(/@.*/, '')),
      digest === undefined ? { runs: [] } : askWhere(digest),
    ]).then(
      ([{ runs }, { tags }, where]) =>
        setKnown({
          runs: runs.filter((run) => run.container === row.container),
          tags,
          elsewhere: where.runs.filter((run) => titleOf(run) !== titleOf(row) && run.until === null),
        }),
      (error: Error) => setKnown(error),
    );
  }, [row]);
  const identity = sayIdentity(row);
  return (
    <aside role="dialog" aria-label={`${titleOf(row)} ${row.container}`}>
      <header>
        <h2>
          {titleOf(row)}{' '}
          <small>
            {row.container}
            {row.type === 'container' ? '' : ` (${row.type})`}
          </small>
        </h2>
        <button ref={button} type="button" onClick={close}>
          Close
        </button>
      </header>
      <dl>
        <dt>Declared</dt>
        <dd>
          {row.declared.map((image) => (
            <code key={image}>{image}</code>
          ))}{' '}
          <em>{sayPinned(row).text}</em>
        </dd>
        <dt>Runs</dt>
        <dd>
          {row.running.map(({ digest, imageId, pods, nodes }) => (
            <div key={digest ?? imageId}>
              <code>{digest ?? imageId ?? 'not known yet'}</code>{' '}
              <em>
                {pods} pods on {nodes.length} nodes
              </em>
            </div>
          ))}
        </dd>
        <dt>State</dt>
        <dd class={identity.tone}>
          {identity.text}
          {identity.detail ? `: ${identity.detail}` : ''} <em>{sayChecked(row, Date.now())}</em>
        </dd>
      </dl>
      {known === undefined && (
        <p class="quiet" aria-busy="true">
          Asking the ledger …
        </p>
      )}
      {known instanceof Error && (
        <p class="bad" role="alert">
          {known.message}
        </p>
      )}
      {known !== undefined && !(known instanceof Error) && <History row={row} known={known} />}
    </aside>
  );
}

function History({ row, known: { runs, tags, elsewhere } }: { row: Row; known: Known }) {
  const earlier = runs.filter(({ until }) => until !== null);
  return (
    <>
      <h3>When</h3>
      <Timeline runs={runs} tags={tags} now={Date.now()} />
      <h3>Go back</h3>
      {earlier.length === 0 ? (
        <p class="quiet">It never ran anything else, as far as the ledger knows.</p>
      ) : (
        <ul class="back">
          {earlier.map(({ digest, image, since, until }) => (
            <li key={`${digest} ${since}`}>
              <code>{shortImage(image)}</code> <code>{short(digest)}</code> {time(since)} to {time(until ?? '')}
              <pre>
                tagproof rollback {titleOf(row)} --to {digest} --diff
              </pre>
            </li>
          ))}
        </ul>
      )}
      <h3>Runs elsewhere too</h3>
      {elsewhere.length === 0 ? (
        <p class="quiet">Nowhere else now.</p>
      ) : (
        <ul>
          {elsewhere.map((run) => (
            <li key={`${titleOf(run)} ${run.container}`}>
              {titleOf(run)}{' '}
              <em>
                {run.container}, since {age(Date.now() - Date.parse(run.since))}
              </em>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
