// What was asked for and is on its way, has come, or could not be had: said the same way everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** @param again asked anew when one of these changes; what has come stays until the next answer, unless `fresh` */
export function useQuery<T>(ask: () => Promise<T>, again: readonly unknown[], fresh = false): T | Error | undefined {
  const [known, setKnown] = useState<T | Error | undefined>();
  useEffect(() => {
    let current = true;
    if (fresh) setKnown(undefined);
    ask().then(
      (found) => current && setKnown(() => found),
      (error: Error) => current && setKnown(error),
    );
    return () => {
      current = false;
    };
  }, again);
  return known;
}

type Props<T> = { of: T | Error | undefined; wait: string; children: (known: T) => ComponentChildren };

export function Async<T>({ of, wait, children }: Props<T>) {
  if (of === undefined)
    return (
      <p class="quiet" aria-busy="true">
        {wait}
      </p>
    );
  if (of instanceof Error)
    return (
      <p class="bad" role="alert">
        {of.message}
      </p>
    );
  return <>{children(of)}</>;
}
