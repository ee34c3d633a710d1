// List, then watch, for as long as it takes: bookmarks, expired versions (410), broken connections. Nothing is lost or told twice: what
// happened while the connection was away is found by comparing. kubernetes.io, "Efficient detection of changes".
import { setTimeout as sleep } from 'node:timers/promises';
import { asProblem, Problem } from '../problem.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './object.ts';

export type WatchEvent = { readonly type: 'added' | 'modified' | 'deleted'; readonly object: KubeObject };

export type WatchOptions<T = KubeObject> = {
  readonly signal: AbortSignal;
  /** Everything as of now, told in one piece: the first list, and each after a gap. Before it, nothing is known. */
  readonly onList: (objects: readonly T[]) => void;
  /** What to keep of each object of a list, while it is read: fifty thousand pods as they are would fill the memory. */
  readonly take?: (object: KubeObject) => T;
  readonly onChange: (change: WatchEvent) => void;
  /** The server could not be read; tried again after the pause, milliseconds. */
  readonly onProblem: (problem: Problem, pauseMs: number) => void;
  /** Label or field selectors: `&fieldSelector=…`. */
  readonly query?: string;
};

/** One event at the most, bytes: the API server's own bound on objects is 3 MiB. */
const MAX_EVENT = 8 * 1024 * 1024;
/** The server ends a watch after this, seconds, and we begin anew from where it was. */
const TIMEOUT_S = 290;
/** A connection over which nothing came for so long is taken for dead, milliseconds; bookmarks come every minute. */
const SILENCE_MS = (TIMEOUT_S + 30) * 1000;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** Runs until the signal; never throws. What the callbacks throw is a fault of ours and ends the process. */
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
      // The version is too old to go on from: list again, at once the first time.
      if (problem.code === 'changed') version = undefined;
      if (problem.code === 'changed' && failures++ === 0) continue;
      const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** failures++) * (0.75 + Math.random() / 2);
      onProblem(problem, pause);
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }
}

/** One connection, to its end. @returns the version to go on from; @throws Problem `changed` where that is gone */
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
        throw new Problem(code === 410 ? 'changed' : 'unreachable', `watch ${path}: ${message ?? 'it ended'}`);
      }
      version = object.metadata?.resourceVersion ?? version;
      if (type !== 'BOOKMARK') onChange({ type: type.toLowerCase() as WatchEvent['type'], object });
    }
    return version;
  } catch (error) {
    // A broken connection is no gap: the next one goes on from the last version that was seen.
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

/** A set that a watch keeps up to date: what is there now, by namespace and name. */
export class Informer {
  readonly #objects = new Map<string, KubeObject>();
  readonly #changed: () => void;
  #synced = false;

  /** @param changed told after every list and change, when the set already has it */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  /** True after the first list: before, "none" means nothing. */
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
