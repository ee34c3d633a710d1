// Every tag that was seen to move, newest first, and what that changed.
import { useEffect, useState } from 'preact/hooks';
import { askMoves, type Move } from './api.ts';
import { DiffOf } from './diff.tsx';
import { short, span, time } from './words.ts';

const PAGE = 100;

export function Moves({ stamp }: { stamp: string }) {
  const [moves, setMoves] = useState<readonly Move[] | Error | undefined>();
  const [open, setOpen] = useState('');
  useEffect(() => {
    askMoves().then(
      ({ moves: found }) => setMoves(found),
      (error: Error) => setMoves(error),
    );
  }, [stamp]);
  if (moves === undefined)
    return (
      <p class="quiet empty" aria-busy="true">
        Asking the ledger …
      </p>
    );
  if (moves instanceof Error)
    return (
      <p class="bad" role="alert">
        {moves.message}
      </p>
    );
  if (moves.length === 0) return <p class="quiet empty">No tag was seen to move yet.</p>;
  const more = () =>
    askMoves(moves.at(-1)?.at).then(
      ({ moves: found }) => setMoves([...moves, ...found]),
      (error: Error) => setMoves(error),
    );
  return (
    <>
      <ul class="moves">
        {moves.map((move) => {
          const { registry, repository, tag, from, to, at, rested, source } = move;
          const key = `${registry}/${repository}:${tag} ${at}`;
          return (
            <li key={key}>
              <b>
                {registry}/{repository}:{tag}
              </b>
              <span class={to === null ? 'bad' : ''}>
                <code>{from === null ? 'nothing' : short(from)}</code> → <code>{to === null ? 'gone' : short(to)}</code>
              </span>
              <small>
                {time(at)} UTC, after {span(Date.parse(at) - Date.parse(rested))}, seen by {source}
              </small>
              {from !== null && to !== null && (
                <button type="button" aria-expanded={open === key} onClick={() => setOpen(open === key ? '' : key)}>
                  What changed?
                </button>
              )}
              {open === key && from !== null && to !== null && <DiffOf from={from} to={to} />}
            </li>
          );
        })}
      </ul>
      {moves.length % PAGE === 0 && (
        <button type="button" class="more" onClick={more}>
          Show earlier ones
        </button>
      )}
    </>
  );
}
