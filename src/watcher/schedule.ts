// When a tag is asked about next: a tag that moved lately is asked often, one that has rested for long is asked rarely. Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Nobody polls more often than this, however lively a tag is. */
export const SHORTEST_MS = 5 * MINUTE;
/** Nobody is out of sight for longer. */
export const LONGEST_MS = 24 * HOUR;
/** The objective: no look that is due waits longer than this. */
export const FRESH_MS = 5 * MINUTE;
/** Of a tag that was just seen for the first time. */
const FIRST_MS = HOUR;
/** A tag is asked so many times in a span as long as its rest so far. */
const LOOKS = 24;

/**
 * @param rested since it last moved, or since it was first seen, milliseconds
 * @param moved whether it was ever seen to move
 * @param jitter 0 to 1: spreads what began together
 */
export function intervalOf(rested: number, moved: boolean, jitter: number): number {
  const shortest = moved ? SHORTEST_MS : FIRST_MS;
  const interval = Math.min(LONGEST_MS, Math.max(shortest, rested / LOOKS));
  return interval * (0.9 + jitter * 0.2);
}

/** After failures in a row: longer each time, and never longer than a day. */
export function retryOf(failures: number, jitter: number): number {
  return Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(failures, 12)) * (0.9 + jitter * 0.2);
}

/**
 * The first polls of many tags, over one hour: no burst, whoever comes at once.
 * @param index of this one among `count` that are new
 */
export function firstOf(index: number, count: number, now: number): number {
  // Some at once: who has ten tags wants to see them now.
  return index < 60 ? now + index * 100 : now + (index / count) * HOUR;
}
