// "Did you mean …?": the known name that is nearest to a misspelt one. Pure.

/** More edits than this are another word, not a spelling mistake. */
const MAX_EDITS = 3;

/** @returns the nearest of the names, if one is near enough to be what was meant */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  // A short word is near to everything: at most a third of it may differ.
  const limit = Math.min(MAX_EDITS, Math.ceil(word.length / 3));
  let best: { name: string; edits: number } | undefined;
  for (const name of names) {
    const edits = editDistance(word.toLowerCase(), name);
    if (edits <= limit && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name, edits };
  }
  return best?.name;
}

/** Levenshtein distance: insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
