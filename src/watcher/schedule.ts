// When a tag is polled next: often when it moved lately, rarely when it has not moved for long.
// Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** No tag is polled more often than this, however often it moves. */
export const SHORTEST_MS = 5 * MINUTE;
/** No tag is polled less often than this. */
export const LONGEST_MS = 24 * HOUR;
/** The objective: no poll that is due waits longer than this. */
export const FRESH_MS = 5 * MINUTE;
/** The interval of a tag that was just seen for the first time. */
const FIRST_MS = HOUR;
/** A tag that did not move for a time T is polled every T / 24. */
const POLLS_PER_REST = 24;

/**
 * @param rested since the tag last moved, or since it was first seen, milliseconds
 * @param moved whether it was ever seen to move
 * @param jitter 0 to 1: spreads the polls of tags that were first seen together
 */
export function intervalOf(rested: number, moved: boolean, jitter: number): number {
  const shortest = moved ? SHORTEST_MS : FIRST_MS;
  return spread(Math.min(LONGEST_MS, Math.max(shortest, rested / POLLS_PER_REST)), jitter);
}

/** After failures in a row: each pause is twice as long as the one before, up to a day. */
export function retryOf(failures: number, jitter: number): number {
  return spread(Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(failures, 12)), jitter);
}

/** The same interval, ten percent shorter to ten percent longer. */
export const spread = (interval: number, jitter: number): number => interval * (0.9 + jitter * 0.2);

/**
 * The first polls of many tags, spread over one hour so that they are no burst.
 * @param index of this tag among the `count` new ones
 */
export function firstOf(index: number, count: number, now: number): number {
  // The first sixty within seconds: someone with ten tags wants to see them now.
  return index < 60 ? now + index * 100 : now + (index / count) * HOUR;
}
