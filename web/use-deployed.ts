// The page of what is deployed: loaded for each filter and search, and again when the watcher
// reports a change.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Shown } from './address.ts';
import { getDeployed, type Page } from './api.ts';

/** Typing is followed after this pause, milliseconds. */
const TYPING_MS = 120;

export type Deployed = {
  readonly page: Page | undefined;
  readonly error: string;
  /** The filter of the rows that are shown: an answer arrives later than its request. */
  readonly shownFilter: Shown['filter'];
  readonly load: (after?: string) => Promise<void>;
};

export function useDeployed({ filter, q }: Pick<Shown, 'filter' | 'q'>): Deployed {
  const [page, setPage] = useState<Page | undefined>();
  const [error, setError] = useState('');
  const [shownFilter, setShownFilter] = useState<Shown['filter']>('');
  // Answers may arrive in another order than their requests: only the one to the last request
  // counts.
  const last = useRef(0);
  const load = useCallback(
    async (after?: string) => {
      const request = ++last.current;
      try {
        const next = await getDeployed({ filter, q, after });
        if (request !== last.current) return;
        setError('');
        setShownFilter(filter);
        setPage((before) =>
          after === undefined || before === undefined ? next : { ...next, items: [...before.items, ...next.items] },
        );
      } catch (problem) {
        if (request === last.current) setError((problem as Error).message);
      }
    },
    [filter, q],
  );
  const typed = useRef(q);
  useEffect(() => {
    const timer = setTimeout(() => void load(), typed.current === q ? 0 : TYPING_MS);
    typed.current = q;
    return () => clearTimeout(timer);
  }, [load, q]);
  useEffect(() => {
    const changes = new EventSource('/api/v1/changes');
    changes.addEventListener('changed', () => void load());
    return () => changes.close();
  }, [load]);
  return { page, error, shownFilter, load };
}
