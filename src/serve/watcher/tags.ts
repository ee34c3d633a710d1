// Follows tags: one HEAD each, whoever uses it, when it is due; a move goes into the ledger with what it was and what it is.
import type { Reference } from '../../flow.ts';
import { tagKey } from '../../image/reference.ts';
import type { TagEvent } from '../../ledger/event.ts';
import type { Ledger, Poll } from '../../ledger/ledger.ts';
import { asProblem, type Problem } from '../../problem.ts';
import type { TagState } from './deployed.ts';
import { firstOf, intervalOf, retryOf } from './schedule.ts';

/** Asks the registry: HEAD, which none counts as a pull. */
export type Ask = (reference: Reference) => Promise<{ readonly digest: string }>;

export type Move = {
  readonly reference: Reference;
  readonly from: string | null;
  /** Null: the tag is gone. */
  readonly to: string | null;
  /** How long it had pointed to `from`, milliseconds. */
  readonly rested: number;
};

type Followed = {
  readonly reference: Reference;
  /** What the ledger says; undefined: nothing yet. */
  digest: string | null | undefined;
  since: number;
  moved: boolean;
  checked: number | null;
  due: number;
  failures: number;
  failure: string | null;
};

/** Requests a second over all registries: 20,000 tags hourly. */
const PER_SECOND = 6;
const TICK_MS = 1000;

/** Owns the timer. */
export class Tags {
  readonly #ledger: Ledger;
  readonly #ask: Ask;
  readonly #moved: (move: Move) => void;
  readonly #failed: (reference: Reference, problem: Problem) => void;
  readonly #looked: () => void;
  readonly #followed = new Map<string, Followed>();
  #timer: NodeJS.Timeout | undefined;
  #kept: Map<string, Poll> = new Map();
  #known: Map<string, { digest: string | null; since: number }> = new Map();

  constructor(
    ledger: Ledger,
    ask: Ask,
    moved: (move: Move) => void,
    failed: (reference: Reference, problem: Problem) => void,
    looked: () => void = () => {},
  ) {
    this.#looked = looked;
    this.#ledger = ledger;
    this.#ask = ask;
    this.#moved = moved;
    this.#failed = failed;
  }

  /** Takes up what an earlier run knew. */
  async start(): Promise<void> {
    const name = ({ registry, repository, tag }: Pick<Poll, 'registry' | 'repository' | 'tag'>) =>
      `${registry}/${repository}:${tag}`;
    this.#kept = new Map((await this.#ledger.polls()).map((poll) => [name(poll), poll]));
    this.#known = new Map(
      (await this.#ledger.openTags()).map((interval) => [
        name(interval),
        { digest: interval.digest, since: Date.parse(interval.since) },
      ]),
    );
    const tick = () => {
      this.#timer = setTimeout(() => void this.tick().finally(tick), TICK_MS).unref();
    };
    tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  get size(): number {
    return this.#followed.size;
  }

  state(key: string): TagState | undefined {
    return this.#followed.get(key);
  }

  /** How late the oldest due poll is, milliseconds: freshness, as it really is. */
  late(now = Date.now()): number {
    let late = 0;
    for (const { due } of this.#followed.values()) late = Math.max(late, now - due);
    return late;
  }

  /** These, and no others, from now on. */
  follow(references: Iterable<Reference>, now = Date.now()): void {
    const wanted = new Map<string, Reference>();
    for (const { digest: _, ...reference } of references)
      if (reference.tag !== undefined) wanted.set(tagKey(reference), reference);
    for (const key of this.#followed.keys()) if (!wanted.has(key)) this.#followed.delete(key);
    const fresh = [...wanted].filter(([key]) => !this.#followed.has(key));
    const unseen = fresh.filter(([key]) => !this.#kept.has(key)).length;
    let index = 0;
    for (const [key, reference] of fresh) {
      const kept = this.#kept.get(key);
      const known = this.#known.get(key);
      this.#followed.set(key, {
        reference,
        digest: known?.digest,
        since: known?.since ?? now,
        moved: false,
        checked: kept?.checked ?? null,
        due: kept === undefined ? firstOf(index++, unseen, now) : Number(kept.due),
        failures: 0,
        failure: kept?.failure ?? null,
      });
    }
  }

  /** A registry's word that something was pushed: looked at now, and believed only then. */
  hint(key: string, now = Date.now()): void {
    const followed = this.#followed.get(key);
    if (followed !== undefined) followed.due = now;
  }

  /** Asks about what is due, the longest due first, and not more than the budget. */
  async tick(now = Date.now()): Promise<void> {
    const due = [...this.#followed.values()].filter((item) => item.due <= now).sort((a, b) => a.due - b.due);
    const asked = due.slice(0, Math.ceil((PER_SECOND * TICK_MS) / 1000));
    const events = (await Promise.all(asked.map((item) => this.#look(item, now)))).flat();
    if (events.length > 0) await this.#ledger.append(events, new Date(now));
    if (asked.length === 0) return;
    await this.#ledger.keepPolls(asked.map(pollOf));
    this.#looked();
  }

  async #look(followed: Followed, now: number): Promise<TagEvent[]> {
    const { reference } = followed;
    let digest: string | null;
    try {
      digest = (await this.#ask(reference)).digest;
    } catch (error) {
      const problem = asProblem(error, 'unreachable', { image: reference.text });
      if (problem.code !== 'not-found') {
        // Silence is no move: what was known stands, and that it was not confirmed is told.
        followed.failures++;
        followed.failure = problem.message;
        followed.due = now + retryOf(followed.failures, Math.random());
        this.#failed(reference, problem);
        return [];
      }
      digest = null;
    }
    followed.failures = 0;
    followed.failure = null;
    followed.checked = now;
    const { digest: before, since } = followed;
    const event = (): TagEvent => ({
      kind: 'tag',
      registry: reference.registry,
      repository: reference.repository,
      tag: reference.tag as string,
      digest,
      source: 'poll',
    });
    const events = before === digest ? [] : [event()];
    if (events.length > 0) {
      followed.digest = digest;
      followed.since = now;
      if (before !== undefined) {
        followed.moved = true;
        this.#moved({ reference, from: before, to: digest, rested: now - since });
      }
    }
    followed.due = now + intervalOf(now - followed.since, followed.moved, Math.random());
    return events;
  }
}

function pollOf({ reference: { registry, repository, tag }, checked, due, failure }: Followed): Poll {
  return { registry, repository, tag: tag as string, checked, due: Math.round(due), failure };
}
