// Every tag that was seen to move, newest first, and what that changed.
import { useState } from 'preact/hooks';
import { askMoves, type Move } from './api.ts';
import { DiffOf } from './diff.tsx';
import { short, span, time } from './format.ts';
import { Async, useQuery } from './use-query.tsx';

const PAGE = 100;

export function Moves({ stamp }: { stamp: string }) {
  const newest = useQuery(askMoves, [stamp]);
  return (
    <Async of={newest} wait="Asking the ledger …">
      {({ moves }) =>
        moves.length === 0 ? <p class="quiet empty">No tag was seen to move yet.</p> : <List newest={moves} />
      }
    </Async>
  );
}

function List({ newest }: { newest: readonly Move[] }) {
  const [earlier, setEarlier] = useState<readonly Move[]>([]);
  const [failure, setFailure] = useState('');
  const [open, setOpen] = useState('');
  const moves = [...newest, ...earlier.filter(({ at }) => at < (newest.at(-1)?.at ?? ''))];
  const more = () =>
    askMoves(moves.at(-1)?.at).then(
      (found) => setEarlier([...earlier, ...found.moves]),
      (error: Error) => setFailure(error.message),
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
      {failure !== '' && (
        <p class="bad" role="alert">
          {failure}
        </p>
      )}
      {moves.length % PAGE === 0 && (
        <button type="button" class="more" onClick={more}>
          Show earlier ones
        </button>
      )}
    </>
  );
}
