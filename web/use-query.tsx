// A request to the server and its three states: loading, failed, answered. Shown the same way
// everywhere.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/**
 * @param again the request is repeated when one of these changes
 * @param fresh whether the old answer disappears until the new one arrives
 */
export function useQuery<T>(
  request: () => Promise<T>,
  again: readonly unknown[],
  fresh = false,
): T | Error | undefined {
  const [state, setState] = useState<T | Error | undefined>();
  useEffect(() => {
    let isCurrent = true;
    if (fresh) setState(undefined);
    request().then(
      (answer) => isCurrent && setState(() => answer),
      (error: Error) => isCurrent && setState(error),
    );
    return () => {
      isCurrent = false;
    };
  }, again);
  return state;
}

type Props<T> = { of: T | Error | undefined; children: (answer: T) => ComponentChildren };

export function Async<T>({ of, children }: Props<T>): ComponentChildren {
  if (of === undefined)
    return (
      <p class="quiet" aria-busy="true">
        Loading …
      </p>
    );
  return of instanceof Error ? <Failure message={of.message} /> : children(of);
}

export const Failure = ({ message }: { message: string }) => (
  <p class="bad" role="alert">
    {message}
  </p>
);
