// Finds the intervals that contain a moment, among ten million. Pure.
//
// Each ended interval is filed under one node of a virtual binary tree over seconds: the highest
// node within the interval. Only about forty nodes can hold intervals that contain a given moment,
// and an index finds the matching rows under each of them. Kriegel, Pötke, Seidl, "Managing
// Intervals Efficiently in Object-Relational Databases" (VLDB 2000).

/** Levels that seconds since 1970 need until the year 10,889. */
const LEVELS = 38;

const secondOf = (text: string) => Math.floor(Date.parse(text) / 1000);

/** @param since RFC 3339, as `until`; @returns the number of the node */
export function nodeOf(since: string, until: string): number {
  const [a, b] = [BigInt(secondOf(since)), BigInt(secondOf(until))];
  if (a >= b) return Number(a);
  const level = BigInt((a ^ b).toString(2).length - 1);
  return Number((b >> level) << level);
}

/** The nodes that may hold intervals around a moment: those at or before it, and those after it. */
export function nodesAround(moment: string): { readonly before: number[]; readonly after: number[] } {
  const second = BigInt(secondOf(moment));
  const nodes = new Set<bigint>([second]);
  for (let level = 0n; level < LEVELS; level++) nodes.add(((second >> (level + 1n)) << (level + 1n)) + (1n << level));
  const all = [...nodes];
  return {
    before: all.filter((node) => node <= second).map(Number),
    after: all.filter((node) => node > second).map(Number),
  };
}
