// Watches a cluster and the tags that it uses, and keeps the record. Decides nothing, and nobody waits for it.

import { parseReference } from '../../image/reference.ts';
import type { KubeClient } from '../../kube/client.ts';
import { MAKERS } from '../../kube/kinds.ts';
import { type KubeObject, pathOf, type Resource } from '../../kube/object.ts';
import { type WatchOptions, watch } from '../../kube/watch.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { asProblem, Problem } from '../../problem.ts';
import { inventoryOf } from '../../survey/inventory.ts';
import { ownerOf } from '../../survey/list-pods.ts';
import { type Owner, type Pod, podOf } from '../../survey/pods.ts';
import { Closures, type ReadClosure } from './closures.ts';
import { type Deployed, deployedOf } from './deployed.ts';
import { Recorder } from './recorder.ts';
import { type Ask, Tags } from './tags.ts';
import { Texts } from './texts.ts';

export type Followed<T> = WatchOptions<T> & Required<Pick<WatchOptions<T>, 'take'>>;

/** Where pods and their owners come from: a cluster's watch, or the demo's story. */
export type Feed = {
  /** Of the cluster. */
  readonly name: string;
  /** Until the signal; never throws. */
  readonly follow: <T>(resource: Resource, options: Followed<T>) => Promise<void>;
};

export const kubeFeed = (kube: KubeClient): Feed => ({
  name: kube.access.name,
  follow: (resource, options) => watch(kube, pathOf(resource), options),
});

export type WatcherOptions = {
  readonly feed: Feed;
  readonly ledger: Ledger;
  readonly ask: Ask;
  readonly readClosure: ReadClosure;
  readonly log: (line: object) => void;
};

/** Changes that come together are recorded together, milliseconds. */
const TOGETHER_MS = 500;

/** What is kept of one kind of objects. */
type Kept<T> = {
  readonly take: (object: KubeObject) => T;
  readonly clear: () => void;
  readonly put: (item: T) => void;
  readonly drop: (item: T) => void;
};

/** Owns the watches and the timers. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #stop = new AbortController();
  readonly #pods = new Map<string, Pod>();
  readonly #owners = new Map<string, Owner | null>();
  readonly #texts = new Texts();
  #known: readonly Deployed[] | undefined;
  readonly #tags: Tags;
  readonly #closures: Closures;
  readonly #listeners = new Set<() => void>();
  #recorder: Recorder | undefined;
  /** Lists that have come: before all of them, "gone" means nothing. */
  #lists = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { ledger, ask, readClosure } = options;
    this.#closures = new Closures(
      ledger,
      readClosure,
      (reference, problem) => this.#say('closure not read', { image: reference.text, problem }),
      () => this.#tell(),
    );
    this.#tags = new Tags(
      ledger,
      ask,
      ({ reference, from, to, rested }) => {
        this.#say(to === null ? 'tag gone' : 'tag moved', { image: reference.text, from, to, restedMs: rested });
        this.#tell();
      },
      (reference, problem) => this.#say('tag not checked', { image: reference.text, problem }),
      () => {
        this.#wantClosures();
        this.#tell();
      },
    );
  }

  async start(): Promise<void> {
    const { feed, ledger } = this.#options;
    this.#recorder = new Recorder(feed.name, await ledger.open(feed.name));
    await this.#tags.start();
    const keep = (text: string) => this.#texts.keep(text);
    this.#follow(
      'pods',
      { apiVersion: 'v1', resource: 'pods' },
      {
        take: (object) => podOf(object, keep),
        clear: () => this.#pods.clear(),
        put: (pod) => this.#pods.set(pod.uid, pod),
        drop: ({ uid }) => this.#pods.delete(uid),
      },
    );
    for (const kind of MAKERS) {
      // Owners of pods that are still there are kept by what they were: a list replaces only its own.
      const mine = new Set<string>();
      this.#follow(kind.resource, kind, {
        take: ownerOf,
        clear: () => {
          for (const uid of mine) this.#owners.delete(uid);
          mine.clear();
        },
        put: ([uid, owner]) => {
          mine.add(uid);
          this.#owners.set(uid, owner);
        },
        drop: () => {}, // its last pods may be told after it; it goes with the next list
      });
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tags.stop();
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#closures.settled();
  }

  #follow<T>(name: string, resource: Resource, set: Kept<T>): void {
    void this.#options.feed.follow<T>(resource, {
      signal: this.#stop.signal,
      take: set.take,
      onList: (items) => {
        set.clear();
        for (const item of items) set.put(item);
        this.#lists.add(name);
        this.#later();
      },
      onChange: ({ type, object }) => {
        const item = set.take(object);
        if (type === 'deleted') set.drop(item);
        else set.put(item);
        this.#later();
      },
      onProblem: (problem, pauseMs) =>
        this.#say(`${name} cannot be watched, again in ${Math.round(pauseMs)} ms`, { problem }),
    });
  }

  #later(): void {
    this.#known = undefined;
    if (this.#lists.size < MAKERS.length + 1 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#record());
    }, TOGETHER_MS);
  }

  /** What cannot be written now is not forgotten: it is compared again, with what the ledger has, when it is back. */
  async #record(): Promise<void> {
    const { ledger, feed } = this.#options;
    try {
      this.#recorder ??= new Recorder(feed.name, await ledger.open(feed.name));
      const events = this.#recorder.changes(this.#pods.values(), this.#owners);
      if (events.length > 0) await ledger.append(events);
      this.#tags.follow(this.#references());
      this.#wantClosures();
      if (events.length > 0) this.#tell();
    } catch (error) {
      this.#recorder = undefined;
      this.#say('the ledger could not be written, tried again', { problem: asProblem(error, 'file') });
      setTimeout(() => this.#later(), 5000).unref();
    }
  }

  /** What is deployed now; empty until the cluster has been read. */
  deployed(): readonly Deployed[] {
    // Many ask between two changes.
    this.#known ??= deployedOf(
      inventoryOf(this.#options.feed.name, this.#pods.values(), this.#owners),
      (key) => this.#tags.state(key),
      (digest) => this.#closures.of(digest),
    );
    return this.#known;
  }

  /** True when the cluster has been read once: before, "nothing runs" means nothing. */
  get synced(): boolean {
    return this.#lists.size > MAKERS.length;
  }

  /** How late the oldest due look at a tag is, milliseconds; how many tags are followed. */
  get freshness(): { readonly lateMs: number; readonly tags: number } {
    return { lateMs: this.#tags.late(), tags: this.#tags.size };
  }

  /** A word that something was pushed: its tag is looked at now. @param key as tagKey makes it */
  hint(key: string): void {
    this.#tags.hint(key);
  }

  /** @returns how to stop listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    this.#known = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Of declared digests, and of what tags point to, where something else runs: so that no index is taken for a drift. */
  #wantClosures(): void {
    for (const row of this.deployed()) {
      const reference = parseReference(row.declared[0] ?? '');
      if (reference instanceof Problem) continue;
      const declared = reference.digest ?? row.tag?.digest;
      if (typeof declared === 'string' && row.running.some(({ digest }) => digest !== undefined && digest !== declared))
        this.#closures.want(reference, declared);
    }
  }

  *#references() {
    for (const pod of this.#pods.values()) {
      if (pod.finished) continue;
      for (const { image } of pod.containers) {
        const reference = parseReference(image);
        if (reference instanceof Problem || (reference.tag === undefined && reference.digest !== undefined)) continue;
        yield { ...reference, tag: reference.tag ?? 'latest' };
      }
    }
  }

  #say(message: string, more: object): void {
    this.#options.log({ at: new Date().toISOString(), message, ...more });
  }
}
