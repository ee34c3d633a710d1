// Lists, then watches, until the signal: handles bookmarks, expired resource versions (410) and
// broken connections. No change is lost or delivered twice: a broken watch resumes from the last
// version seen, and after an expired version a new list replaces everything known. kubernetes.io,
// "Efficient detection of changes".
import { setTimeout as sleep } from 'node:timers/promises';
import { asProblem, Problem } from '../problem.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './object.ts';

export type WatchEvent = { readonly type: 'added' | 'modified' | 'deleted'; readonly object: KubeObject };

export type WatchOptions<T = KubeObject> = {
  readonly signal: AbortSignal;
  /** Called with all objects: for the first list, and for each list after an expired version. */
  readonly onList: (objects: readonly T[]) => void;
  /**
   * Reduces each object of a list while it is read: fifty thousand whole pods would fill the
   * memory.
   */
  readonly take?: (object: KubeObject) => T;
  readonly onChange: (change: WatchEvent) => void;
  /** The server could not be read; the loop tries again after the pause, milliseconds. */
  readonly onProblem: (problem: Problem, pauseMs: number) => void;
  /** Label or field selectors: `&fieldSelector=…`. */
  readonly query?: string;
};

/** Largest event, bytes: the API server limits objects to 3 MiB. */
const MAX_EVENT = 8 * 1024 * 1024;
/** The server ends each watch after this, seconds; the next watch resumes from the last version. */
const TIMEOUT_S = 290;
/**
 * A connection that is silent for this long is considered dead, milliseconds; bookmarks come every
 * minute.
 */
const SILENCE_MS = (TIMEOUT_S + 30) * 1000;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/**
 * Runs until the signal. Failures of the server are reported by `onProblem` and retried. Callbacks
 * must not throw: their exception would count as a broken connection.
 */
export async function watch<T = KubeObject>(client: KubeClient, path: string, options: WatchOptions<T>): Promise<void> {
  const { signal, onList, onProblem, query = '', take } = options;
  let version: string | undefined;
  for (let failures = 0; !signal.aborted; ) {
    try {
      if (version === undefined) {
        const { items, resourceVersion } = await client.list<T>(path, query, take);
        if (signal.aborted) return;
        onList(items);
        version = resourceVersion;
      }
      version = await follow(client, path, version, options);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const problem = asProblem(error, 'unreachable');
      // The version has expired: list again, the first time without a pause.
      if (problem.code === 'changed') version = undefined;
      if (problem.code === 'changed' && failures++ === 0) continue;
      const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** failures++) * (0.75 + Math.random() / 2);
      onProblem(problem, pause);
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }
}

/**
 * Reads one connection to its end.
 * @returns the version to resume from
 * @throws Problem `changed` if it has expired
 */
async function follow(
  client: KubeClient,
  path: string,
  from: string,
  { signal, onChange, query = '' }: Pick<WatchOptions, 'signal' | 'onChange' | 'query'>,
): Promise<string> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const separator = path.includes('?') ? '&' : '?';
  const url = `${path}${separator}watch=1&allowWatchBookmarks=true&timeoutSeconds=${TIMEOUT_S}&resourceVersion=${from}${query}`;
  let version = from;
  try {
    const lines = linesOf(await client.stream(url, AbortSignal.any([signal, silence.signal])));
    for await (const line of lines) {
      timer.refresh();
      const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
      if (type === 'ERROR') {
        const { code, message } = object as { code?: number; message?: string };
        throw new Problem(
          code === 410 ? 'changed' : 'unreachable',
          `watch ${path}: ${message ?? 'the server ended it'}`,
        );
      }
      version = object.metadata?.resourceVersion ?? version;
      if (type !== 'BOOKMARK') onChange({ type: type.toLowerCase() as WatchEvent['type'], object });
    }
    return version;
  } catch (error) {
    // A broken connection loses nothing: the next one resumes from the last version seen.
    if (error instanceof Problem || error instanceof SyntaxError) throw asProblem(error, 'protocol');
    if (signal.aborted) return version;
    if (version !== from) return version;
    throw asProblem(error, 'unreachable');
  } finally {
    clearTimeout(timer);
  }
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([rest, chunk.subarray(from, end)]).toString('utf8');
      rest = Buffer.alloc(0);
      from = end + 1;
      if (line !== '') yield line;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.length > MAX_EVENT) throw new Problem('limit', `one event of more than ${MAX_EVENT} bytes`);
  }
}

/** The current objects of one resource by namespace and name, kept up to date by a watch. */
export class Informer {
  readonly #objects = new Map<string, KubeObject>();
  readonly #changed: () => void;
  #synced = false;

  /** @param changed called after every list and change, when `objects()` already includes it */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  /** True after the first list. Before it, an empty set does not mean that there are no objects. */
  get synced(): boolean {
    return this.#synced;
  }

  objects(): KubeObject[] {
    return [...this.#objects.values()];
  }

  run(client: KubeClient, path: string, signal: AbortSignal, onProblem: WatchOptions['onProblem']): Promise<void> {
    return watch(client, path, {
      signal,
      onProblem,
      onList: (objects) => {
        this.#objects.clear();
        for (const object of objects) this.#objects.set(keyOf(object), object);
        this.#synced = true;
        this.#changed();
      },
      onChange: ({ type, object }) => {
        if (type === 'deleted') this.#objects.delete(keyOf(object));
        else this.#objects.set(keyOf(object), object);
        this.#changed();
      },
    });
  }
}

const keyOf = ({ metadata }: KubeObject) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
