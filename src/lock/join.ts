// What two runs or two branches know of one digest, as one entry. Pure.

type Entry = { firstSeen: string; wrote?: string[] | undefined };

/**
 * Two runs or two branches made the same pin: the earlier first sight counts. Where one of them says in which places it
 * wrote, the answer is these places, because `unpin` must leave what others wrote.
 * @param one what it knows besides is lost where `other` knows it too
 */
export function joinEntries<T extends Entry>(one: T, other: T): T {
  const wrote = one.wrote ?? other.wrote;
  return {
    ...one,
    ...other,
    firstSeen: one.firstSeen < other.firstSeen ? one.firstSeen : other.firstSeen,
    ...(wrote !== undefined && { wrote: [...new Set([...wrote, ...(other.wrote ?? [])])].sort() }),
  };
}
