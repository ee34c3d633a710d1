// The dialog about one container: what is known now, its history, and how to roll back.
import { useEffect, useRef } from 'preact/hooks';
import type { Row } from './api.ts';
import { Facts } from './facts.tsx';
import { titleOf } from './format.ts';
import { HistoryOf } from './history.tsx';

export function Drawer({ row, close }: { row: Row; close: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    button.current?.focus();
    return () => before?.focus();
  }, [row]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close();
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [close]);
  return (
    <aside role="dialog" aria-label={`${titleOf(row)} ${row.container}`}>
      <header>
        <h2>
          {titleOf(row)}{' '}
          <small>
            {row.container}
            {row.type === 'container' ? '' : ` (${row.type})`} in {row.cluster}
          </small>
        </h2>
        <button ref={button} type="button" onClick={close}>
          Close
        </button>
      </header>
      <Facts row={row} />
      <HistoryOf row={row} />
    </aside>
  );
}
