// Follows tags, and digests that must stay: one HEAD each, whoever uses it, when it is due; what changed goes into the ledger. Of several
// watchers on one ledger one asks, and the others read what it found.
import type { Reference } from '../flow.ts';
import { pollKey, type TagState } from '../inventory/deployed.ts';
import type { TagEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Poll } from '../ledger/polls.ts';
import { pollName } from '../ledger/tuples.ts';
import { asProblem, type Problem } from '../problem.ts';
import { type Budget, PER_SECOND } from './budget.ts';
import { repeat } from './repeat.ts';
import { FRESH_MS, firstOf, intervalOf, LONGEST_MS, retryOf } from './schedule.ts';

/** Asks the registry: HEAD, which none counts as a pull. */
export type HeadRequest = (reference: Reference) => Promise<{ readonly digest: string }>;

export type TagChange = {
  readonly reference: Reference;
  readonly from: string | null;
  /** Null: the tag is gone, or the digest is. */
  readonly to: string | null;
  /** How long it had pointed to `from`, milliseconds. */
  readonly rested: number;
};

export type TagsOptions = {
  readonly ledger: Ledger;
  readonly ask: HeadRequest;
  readonly budget: Budget;
  readonly moved: (move: TagChange) => void;
  readonly failed: (reference: Reference, problem: Problem) => void;
  /** The ledger could not be written or read: what was due is still due. */
  readonly broken: (problem: Problem) => void;
  /** Somebody was looked at. */
  readonly polled?: () => void;
};

/** How fresh what is known is. */
export type Freshness = {
  /** The oldest look that is due and was not done, milliseconds. */
  readonly lateMs: number;
  readonly tags: number;
  /** Of them: looked at no later than the objective allows. */
  readonly fresh: number;
  /** No due look waits longer than this, milliseconds. */
  readonly objectiveMs: number;
};

type WatchedTag = {
  readonly reference: Reference;
  /** What the ledger says; undefined: nothing yet. */
  digest: string | null | undefined;
  since: number;
  moved: boolean;
  hinted: boolean;
  checked: number | null;
  due: number;
  failures: number;
  failure: string | null;
};

const TICK_MS = 1000;
/** A look that somebody took and did not finish is another's after this, milliseconds. */
const CLAIM_MS = 60_000;

/** Owns the timer. */
export class Tags {
  readonly #options: TagsOptions;
  readonly #followed = new Map<string, WatchedTag>();
  #stop: () => void = () => {};
  #kept: Map<string, Poll> = new Map();
  #known: Map<string, { digest: string | null; since: number; moved: boolean }> = new Map();

  constructor(options: TagsOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier run knew. */
  async start(): Promise<void> {
    const { ledger } = this.#options;
    this.#kept = new Map((await ledger.polls.all()).map((poll) => [pollName(poll), poll]));
    this.#known = new Map(
      (await ledger.openTags()).map((interval) => [
        pollName(interval),
        { digest: interval.digest, since: Date.parse(interval.since), moved: interval.moved },
      ]),
    );
    this.#stop = repeat(() => this.tick(), TICK_MS, this.#options.broken);
  }

  stop(): void {
    this.#stop();
  }

  get size(): number {
    return this.#followed.size;
  }

  state(key: string): TagState | undefined {
    return this.#followed.get(key);
  }

  freshness(now = Date.now()): Freshness {
    let [lateMs, fresh] = [0, 0];
    for (const { due, checked } of this.#followed.values()) {
      lateMs = Math.max(lateMs, now - due);
      if (checked !== null && now - due <= FRESH_MS) fresh++;
    }
    return { lateMs, tags: this.#followed.size, fresh, objectiveMs: FRESH_MS };
  }

  /** When each is asked about next, soonest first. */
  due(limit: number): { key: string; due: number; checked: number | null; failure: string | null }[] {
    return [...this.#followed]
      .map(([key, { due, checked, failure }]) => ({ key, due, checked, failure }))
      .sort((a, b) => a.due - b.due)
      .slice(0, limit);
  }

  /** These, and no others, from now on. @param references with a digest: is it served? Else: what is the tag? */
  follow(references: Iterable<Reference>, now = Date.now()): void {
    const wanted = new Map<string, Reference>();
    for (const reference of references) wanted.set(pollKey(reference), reference);
    for (const key of this.#followed.keys()) if (!wanted.has(key)) this.#followed.delete(key);
    const fresh = [...wanted].filter(([key]) => !this.#followed.has(key));
    // Tags first: that a digest is served is rarely news.
    fresh.sort(([, a], [, b]) => Number(a.digest !== undefined) - Number(b.digest !== undefined));
    const unseen = fresh.filter(([key]) => !this.#kept.has(key)).length;
    let index = 0;
    for (const [key, reference] of fresh) {
      const kept = this.#kept.get(key);
      const known = this.#known.get(key);
      this.#followed.set(key, {
        reference,
        digest: known?.digest,
        since: known?.since ?? now,
        moved: known?.moved ?? false,
        hinted: false,
        checked: kept?.checked ?? null,
        due: kept === undefined ? firstOf(index++, unseen, now) : kept.due,
        failures: 0,
        failure: kept?.failure ?? null,
      });
    }
  }

  /** A registry's word that something was pushed: looked at now, and believed only then. @returns whether anybody follows it */
  hint(key: string, now = Date.now()): boolean {
    const followed = this.#followed.get(key);
    if (followed === undefined) return false;
    followed.due = now;
    followed.hinted = true;
    return true;
  }

  /** Asks about what is due, the longest due first, and not more than the budget. */
  async tick(now = Date.now()): Promise<void> {
    const { ledger, budget, polled: looked } = this.#options;
    const due = [...this.#followed.values()].filter((item) => item.due <= now).sort((a, b) => a.due - b.due);
    const chosen: WatchedTag[] = [];
    // One registry that rests does not hold up the others.
    for (const item of due) {
      if (chosen.length >= Math.ceil((PER_SECOND * TICK_MS) / 1000)) break;
      if (budget.take(item.reference, now)) chosen.push(item);
    }
    if (chosen.length === 0) return;
    const mine = await this.#claim(chosen, now);
    const answers = await Promise.all(mine.map((item) => this.#poll(item, now)));
    const events = answers.flatMap(({ item, digest }) => (digest === item.digest ? [] : [eventOf(item, digest)]));
    // First on disk, then believed: what could not be written is looked at, and told, again.
    if (events.length > 0) await ledger.append(events, new Date(now));
    for (const { item, digest } of answers) this.#take(item, digest, now);
    await ledger.polls.save(mine.map(pollOf));
    looked?.();
  }

  /** What is ours to ask about. Of the rest we take over what others found. */
  async #claim(chosen: readonly WatchedTag[], now: number): Promise<WatchedTag[]> {
    const { ledger } = this.#options;
    const polls = chosen.map(pollOf);
    const hinted = chosen.filter((item) => item.hinted);
    // A hint is news: it does not wait for what was agreed on before it.
    if (hinted.length > 0) await ledger.polls.save(hinted.map(pollOf));
    const { mine, others } = await ledger.polls.claim(polls, now, now + CLAIM_MS);
    if (others.length > 0) {
      const known = new Map((await ledger.openTags(others)).map((row) => [pollName(row), row]));
      for (const poll of others) {
        const followed = this.#followed.get(pollName(poll));
        const row = known.get(pollName(poll));
        if (followed === undefined) continue;
        Object.assign(followed, { due: poll.due, checked: poll.checked, failure: poll.failure });
        if (row !== undefined) Object.assign(followed, { digest: row.digest, since: Date.parse(row.since) });
      }
    }
    const keys = new Set(mine.map(pollName));
    return chosen.filter(({ reference }) => keys.has(pollKey(reference)));
  }

  async #poll(item: WatchedTag, now: number): Promise<{ item: WatchedTag; digest: WatchedTag['digest'] }> {
    const { ask, failed } = this.#options;
    const { reference } = item;
    let digest: string | null;
    try {
      digest = (await ask(reference)).digest;
    } catch (error) {
      const problem = asProblem(error, 'unreachable', { image: reference.text });
      if (problem.code !== 'not-found') {
        // Silence is no move: what was known stands, and that it was not confirmed is told.
        item.failures++;
        item.failure = problem.message;
        item.due = now + retryOf(item.failures, Math.random());
        failed(reference, problem);
        return { item, digest: item.digest };
      }
      digest = null;
    }
    Object.assign(item, { failures: 0, failure: null, checked: now });
    return { item, digest };
  }

  #take(item: WatchedTag, digest: WatchedTag['digest'], now: number): void {
    const { reference, digest: before, since } = item;
    item.hinted = false;
    if (before !== digest) {
      item.digest = digest;
      item.since = now;
      if (before !== undefined && digest !== undefined) {
        item.moved = true;
        this.#options.moved({ reference, from: before, to: digest, rested: now - since });
      }
    }
    if (item.failures > 0) return; // due again soon, as was said
    const stays = reference.digest !== undefined && digest !== null;
    item.due =
      now +
      (stays ? LONGEST_MS * (0.9 + Math.random() * 0.2) : intervalOf(now - item.since, item.moved, Math.random()));
  }
}

function eventOf({ reference, hinted }: WatchedTag, digest: WatchedTag['digest']): TagEvent {
  const { registry, repository, tag } = reference;
  return {
    kind: 'tag',
    registry,
    repository,
    tag: reference.digest ?? (tag as string),
    digest: digest ?? null,
    source: hinted ? 'hint' : 'poll',
  };
}

function pollOf({ reference: { registry, repository, tag, digest }, checked, due, failure }: WatchedTag): Poll {
  return { registry, repository, tag: digest ?? (tag as string), checked, due: Math.round(due), failure };
}
