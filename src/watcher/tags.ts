// Polls tags, and digests that must stay available: one HEAD each when it is due, for all its users together.
// Changes go into the ledger. Of several watchers on one ledger one polls, and the others read what
// it found.
import type { Reference } from '../flow.ts';
import { pollKey, type TagState } from '../inventory/deployed.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Poll } from '../ledger/polls.ts';
import { pollName } from '../ledger/tuples.ts';
import { asProblem, type Problem } from '../problem.ts';
import { type Budget, PER_SECOND } from './budget.ts';
import { repeat } from './repeat.ts';
import { FRESH_MS } from './schedule.ts';
import {
  eventOfTag,
  pollAnswered,
  pollFailed,
  pollOfTag,
  type Recorded,
  type TagChange,
  type WatchedTag,
  watchedTag,
} from './watched-tag.ts';

/** A HEAD request for a manifest: no registry counts it as a pull. */
export type HeadRequest = (reference: Reference) => Promise<{ readonly digest: string }>;

export type TagsOptions = {
  readonly ledger: Ledger;
  readonly head: HeadRequest;
  readonly budget: Budget;
  readonly moved: (change: TagChange) => void;
  /** One poll failed; it is retried. */
  readonly failed: (reference: Reference, problem: Problem) => void;
  /** The ledger could not be written or read: what was due is still due. */
  readonly ledgerFailed: (problem: Problem) => void;
  /** Some tags were polled. */
  readonly polled?: () => void;
};

/** How fresh the known digests are. */
export type Freshness = {
  /** How late the oldest poll is that is due and was not done, milliseconds. */
  readonly lateMs: number;
  readonly tags: number;
  /** How many of them were checked no later than the objective allows. */
  readonly fresh: number;
  /** No poll that is due waits longer than this, milliseconds. */
  readonly objectiveMs: number;
};

/** A poll to come; times in milliseconds since 1970. */
export type DuePoll = {
  readonly key: string;
  readonly due: number;
  readonly checked: number | null;
  readonly failure: string | null;
};

const TICK_MS = 1000;
/** A poll that another watcher took and did not finish is free again after this, milliseconds. */
const CLAIM_MS = 60_000;

/** Owns the timer. */
export class Tags {
  readonly #options: TagsOptions;
  readonly #watched = new Map<string, WatchedTag>();
  #stop: () => void = () => {};
  #recordedPolls: ReadonlyMap<string, Poll> = new Map();
  #recordedTags: ReadonlyMap<string, Recorded['interval']> = new Map();

  constructor(options: TagsOptions) {
    this.#options = options;
  }

  /** Continues from what earlier runs recorded. */
  async start(): Promise<void> {
    const { ledger } = this.#options;
    this.#recordedPolls = new Map((await ledger.polls.all()).map((poll) => [pollName(poll), poll]));
    this.#recordedTags = new Map(
      (await ledger.openTags()).map((interval) => {
        const { digest, since, moved } = interval;
        return [pollName(interval), { digest, since: Date.parse(since), moved }];
      }),
    );
    this.#stop = repeat(() => this.tick(), TICK_MS, this.#options.ledgerFailed);
  }

  stop(): void {
    this.#stop();
  }

  get size(): number {
    return this.#watched.size;
  }

  state(key: string): TagState | undefined {
    return this.#watched.get(key);
  }

  freshness(now = Date.now()): Freshness {
    let [lateMs, fresh] = [0, 0];
    for (const { due, checked } of this.#watched.values()) {
      lateMs = Math.max(lateMs, now - due);
      if (checked !== null && now - due <= FRESH_MS) fresh++;
    }
    return { lateMs, tags: this.#watched.size, fresh, objectiveMs: FRESH_MS };
  }

  /** The next polls, soonest first. */
  due(limit: number): DuePoll[] {
    return [...this.#watched]
      .map(([key, { due, checked, failure }]) => ({ key, due, checked, failure }))
      .sort((a, b) => a.due - b.due)
      .slice(0, limit);
  }

  /** Watches these references, and no others, from now on. */
  follow(references: Iterable<Reference>, now = Date.now()): void {
    const wanted = new Map<string, Reference>();
    for (const reference of references) wanted.set(pollKey(reference), reference);
    for (const key of this.#watched.keys()) if (!wanted.has(key)) this.#watched.delete(key);
    const added = [...wanted].filter(([key]) => !this.#watched.has(key));
    // Tags first: whether a digest is served is rarely news.
    added.sort(([, a], [, b]) => Number(a.digest !== undefined) - Number(b.digest !== undefined));
    const count = added.filter(([key]) => !this.#recordedPolls.has(key)).length;
    let index = 0;
    for (const [key, reference] of added) {
      const poll = this.#recordedPolls.get(key);
      const interval = this.#recordedTags.get(key);
      this.#watched.set(key, watchedTag(reference, { poll, interval }, { index, count, now }));
      if (poll === undefined) index++;
    }
  }

  /**
   * A registry notified us of a push. The notification is never believed: it only makes the poll due
   * now, and the poll decides.
   * @returns whether the tag is watched
   */
  hint(key: string, now = Date.now()): boolean {
    const tag = this.#watched.get(key);
    if (tag === undefined) return false;
    tag.due = now;
    tag.hinted = true;
    return true;
  }

  /** Polls what is due, the longest due first, within the budget. */
  async tick(now = Date.now()): Promise<void> {
    const { ledger, polled } = this.#options;
    const chosen = this.#withinBudget(now);
    if (chosen.length === 0) return;
    const mine = await this.#claim(chosen, now);
    const answers = (await Promise.all(mine.map((tag) => this.#poll(tag, now)))).flatMap((answer) => answer ?? []);
    const events = answers.flatMap(({ tag, digest }) => (digest === tag.digest ? [] : [eventOfTag(tag, digest)]));
    // On disk first, in memory second: a change that could not be written is found, and reported,
    // again.
    if (events.length > 0) await ledger.append(events, new Date(now));
    for (const { tag, digest } of answers) {
      const change = pollAnswered(tag, digest, now, Math.random());
      if (change !== undefined) this.#options.moved(change);
    }
    await ledger.polls.save(mine.map(pollOfTag));
    polled?.();
  }

  #withinBudget(now: number): WatchedTag[] {
    const due = [...this.#watched.values()].filter((tag) => tag.due <= now).sort((a, b) => a.due - b.due);
    const chosen: WatchedTag[] = [];
    // A registry that is out of budget does not hold up the others.
    for (const tag of due) {
      if (chosen.length >= Math.ceil((PER_SECOND * TICK_MS) / 1000)) break;
      if (this.#options.budget.take(tag.reference, now)) chosen.push(tag);
    }
    return chosen;
  }

  /** Takes the polls that no other watcher took; of the others it reads what was found. */
  async #claim(chosen: readonly WatchedTag[], now: number): Promise<WatchedTag[]> {
    const { ledger } = this.#options;
    const hinted = chosen.filter((tag) => tag.hinted);
    // A hint is newer than the due time that the watchers share, so it replaces that time.
    if (hinted.length > 0) await ledger.polls.save(hinted.map(pollOfTag));
    const { mine, others } = await ledger.polls.claim(chosen.map(pollOfTag), now, now + CLAIM_MS);
    const intervals = new Map((await ledger.openTags(others)).map((row) => [pollName(row), row]));
    for (const poll of others) {
      const tag = this.#watched.get(pollName(poll));
      const interval = intervals.get(pollName(poll));
      if (tag === undefined) continue;
      Object.assign(tag, { due: poll.due, checked: poll.checked, failure: poll.failure });
      if (interval !== undefined) Object.assign(tag, { digest: interval.digest, since: Date.parse(interval.since) });
    }
    const keys = new Set(mine.map(pollName));
    return chosen.filter(({ reference }) => keys.has(pollKey(reference)));
  }

  /** @returns undefined when the registry gave no answer: "not found" is one */
  async #poll(tag: WatchedTag, now: number): Promise<{ tag: WatchedTag; digest: string | null } | undefined> {
    const { reference } = tag;
    try {
      return { tag, digest: (await this.#options.head(reference)).digest };
    } catch (error) {
      const problem = asProblem(error, 'unreachable', { image: reference.text });
      if (problem.code === 'not-found') return { tag, digest: null };
      pollFailed(tag, problem.message, now, Math.random());
      this.#options.failed(reference, problem);
      return undefined;
    }
  }
}
