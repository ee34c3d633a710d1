// Tags that moved, newest first, and what each move changed.
import { useState } from 'preact/hooks';
import { getMoves, type Move } from './api.ts';
import { DiffOf } from './diff.tsx';
import { short, span, time } from './format.ts';
import { Async, Failure, useQuery } from './use-query.tsx';

const PAGE = 100;

export function Moves({ stamp }: { stamp: string }) {
  const newest = useQuery(() => getMoves(), [stamp]);
  return (
    <Async of={newest}>
      {({ moves }) => (moves.length === 0 ? <p class="quiet empty">No tag has moved yet.</p> : <List newest={moves} />)}
    </Async>
  );
}

function List({ newest }: { newest: readonly Move[] }) {
  const [earlier, setEarlier] = useState<readonly Move[]>([]);
  const [failure, setFailure] = useState('');
  const [open, setOpen] = useState('');
  const moves = [...newest, ...earlier.filter(({ at }) => at < (newest.at(-1)?.at ?? ''))];
  const more = () =>
    getMoves(moves.at(-1)?.at).then(
      (answer) => setEarlier([...earlier, ...answer.moves]),
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
                {time(at)} UTC, after {span(Date.parse(at) - Date.parse(rested))}, found by {source}
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
      {failure !== '' && <Failure message={failure} />}
      {moves.length % PAGE === 0 && (
        <button type="button" class="more" onClick={more}>
          Show earlier moves
        </button>
      )}
    </>
  );
}
