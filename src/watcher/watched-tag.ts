// The state of one watched tag, or of one digest that must stay available, and how an answer
// changes it. Pure.
import type { Reference } from '../flow.ts';
import type { TagEvent } from '../ledger/event.ts';
import type { Poll } from '../ledger/polls.ts';
import { firstOf, intervalOf, LONGEST_MS, retryOf, spread } from './schedule.ts';

export type WatchedTag = {
  /** With a digest: is it served? Without: what does the tag point to? */
  readonly reference: Reference;
  /** As the ledger has it: null when the tag is gone, undefined when it was never polled. */
  digest: string | null | undefined;
  /** When it was first seen with this digest, milliseconds since 1970. */
  since: number;
  moved: boolean;
  /** A registry notified us of a push, and the tag was not polled since. */
  hinted: boolean;
  checked: number | null;
  due: number;
  failures: number;
  failure: string | null;
};

export type TagChange = {
  readonly reference: Reference;
  readonly from: string | null;
  /** Null: the tag is gone, or the digest is no longer served. */
  readonly to: string | null;
  /** How long it had pointed to `from`, milliseconds. */
  readonly rested: number;
};

/** What earlier runs left in the ledger about a tag. */
export type Recorded = {
  readonly poll: Poll | undefined;
  readonly interval: { readonly digest: string | null; readonly since: number; readonly moved: boolean } | undefined;
};

/** @param index of this one among `count` that were never polled: their first polls are spread */
export function watchedTag(
  reference: Reference,
  { poll, interval }: Recorded,
  { index, count, now }: { readonly index: number; readonly count: number; readonly now: number },
): WatchedTag {
  return {
    reference,
    digest: interval?.digest,
    since: interval?.since ?? now,
    moved: interval?.moved ?? false,
    hinted: false,
    checked: poll?.checked ?? null,
    due: poll?.due ?? firstOf(index, count, now),
    failures: 0,
    failure: poll?.failure ?? null,
  };
}

/**
 * A registry that does not answer is no move: the digest stays, and the failure is shown beside it.
 */
export function pollFailed(tag: WatchedTag, message: string, now: number, jitter: number): void {
  tag.hinted = false;
  tag.failures++;
  tag.failure = message;
  tag.due = now + retryOf(tag.failures, jitter);
}

/**
 * Takes over an answer that is already in the ledger.
 * @returns the change, if there is one: the first digest ever seen is none
 */
export function pollAnswered(
  tag: WatchedTag,
  digest: string | null,
  now: number,
  jitter: number,
): TagChange | undefined {
  const { reference, digest: from, since } = tag;
  tag.hinted = false;
  tag.failures = 0;
  tag.failure = null;
  tag.checked = now;
  let change: TagChange | undefined;
  if (from !== digest) {
    tag.digest = digest;
    tag.since = now;
    if (from !== undefined) {
      tag.moved = true;
      change = { reference, from, to: digest, rested: now - since };
    }
  }
  // A digest that is served is rarely news, so it is polled once a day.
  const isServed = reference.digest !== undefined && digest !== null;
  tag.due = now + (isServed ? spread(LONGEST_MS, jitter) : intervalOf(now - tag.since, tag.moved, jitter));
  return change;
}

export function eventOfTag({ reference, hinted }: WatchedTag, digest: string | null): TagEvent {
  const { registry, repository, tag } = reference;
  const name = reference.digest ?? (tag as string);
  return { kind: 'tag', registry, repository, tag: name, digest, source: hinted ? 'hint' : 'poll' };
}

export function pollOfTag({ reference, checked, due, failure }: WatchedTag): Poll {
  const { registry, repository, tag, digest } = reference;
  return { registry, repository, tag: digest ?? (tag as string), checked, due: Math.round(due), failure };
}
