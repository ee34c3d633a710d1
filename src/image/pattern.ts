// Image name patterns: anchored, linear in the length of the name, matched on the canonical
// repository only.

/**
 * Does the pattern match the canonical repository (`docker.io/library/nginx`)? `*` matches any
 * characters within one path segment, `**` as a whole segment any number of segments. Everything
 * else is literal. Matching walks both sides segment by segment with one backtracking point, so no
 * pattern can stall it (T30).
 */
export function matchesPattern(pattern: string, repository: string): boolean {
  const wanted = pattern.split('/');
  const given = repository.split('/');
  return greedy(wanted, given, (segment) => segment === '**', matchesSegment);
}

function matchesSegment(pattern: string, text: string): boolean {
  return greedy(
    [...pattern],
    [...text],
    (char) => char === '*',
    (a, b) => a === b,
  );
}

/**
 * The classic two-pointer wildcard match: on a mismatch the last wildcard takes one element more.
 */
function greedy<T>(wanted: T[], given: T[], isWild: (item: T) => boolean, equal: (a: T, b: T) => boolean): boolean {
  let w = 0;
  let g = 0;
  let star = -1;
  let resume = 0;
  while (g < given.length) {
    if (w < wanted.length && isWild(wanted[w] as T)) {
      star = w++;
      resume = g;
    } else if (w < wanted.length && equal(wanted[w] as T, given[g] as T)) {
      w++;
      g++;
    } else if (star >= 0) {
      w = star + 1;
      g = ++resume;
    } else return false;
  }
  while (w < wanted.length && isWild(wanted[w] as T)) w++;
  return w === wanted.length;
}
