// The stream of change events for the dashboard: one event for all changes that come together.
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

/** Pause after each event, milliseconds. */
const PAUSE_MS = 500;

/** @param onChange subscribes a listener, and returns a function that ends the subscription */
export function streamChanges(c: Context, onChange: (listener: () => void) => () => void): Response {
  return streamSSE(c, async (stream) => {
    let changed = Promise.withResolvers<void>();
    const unsubscribe = onChange(() => changed.resolve());
    stream.onAbort(() => {
      unsubscribe();
      changed.resolve();
    });
    while (!stream.aborted) {
      await changed.promise;
      changed = Promise.withResolvers<void>();
      if (!stream.aborted) await stream.writeSSE({ event: 'changed', data: new Date().toISOString() });
      await stream.sleep(PAUSE_MS);
    }
  });
}
